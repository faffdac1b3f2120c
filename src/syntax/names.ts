import { parseFunction } from './parse.ts';

/** Names of a function's parameters as written; a destructured one is shown as its pattern. Empty when unknown. */
export function parameterNames(f: Function): string[] {
  const parsed = parseFunction(f);
  if (!parsed) return [];
  return parsed.node.params.map((param: any) => {
    const target =
      param.type === 'AssignmentPattern' ? param.left : param.type === 'RestElement' ? param.argument : param;
    return target.type === 'Identifier' ? target.name : parsed.text.slice(target.start, target.end);
  });
}
