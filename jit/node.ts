export { builtin, environment, ownFile } from '../src/core/node.ts';
