export { builtin, environment } from '../src/core/node.ts';
