/** Every way of adding a step to a program. */
import { controlFlow } from './control-flow.ts';
import { elementwise } from './elementwise.ts';
import { folds } from './folds.ts';
import type { Limits, Production } from './generator.ts';
import { implicit } from './implicit.ts';
import { integers } from './integers.ts';
import { movement } from './movement.ts';
import { nestedTransforms } from './nested-transforms.ts';
import { products } from './products.ts';

/** Without what is not written for JAX, if it has to be: `any dot`. */
export const productions = ({ jax }: Limits): readonly Production[] => [
  ...elementwise,
  ...integers,
  ...folds,
  ...movement,
  ...products.filter(({ name }) => !jax || name !== 'any dot'),
  ...controlFlow,
  ...nestedTransforms,
  ...implicit,
];
