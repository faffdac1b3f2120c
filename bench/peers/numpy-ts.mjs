import { cases } from './eager-numpy-ts.mjs';
import { measure } from './timing.mjs';

await measure('numpy-ts', cases);
