/** Every composition of two transformations on every control-flow and implicit primitive: docs/compositions.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { subjects } from './compositions/subjects.ts';
import { document, rows } from './compositions/table.ts';
import { transformations } from './compositions/transformations.ts';

const file = fileURLToPath(new URL('../../docs/compositions.md', import.meta.url));

t.test('compositions', (t) => {
  const table = rows();
  for (const { subject, outcomes } of table) {
    const { unbounded } = subjects.find((s) => s.name === subject)!;
    const wrong = outcomes.flatMap((line, i) =>
      line.flatMap((o, j) => {
        const name = `${transformations[i]!.name}(${transformations[j]!.name}(f))`;
        if (typeof o !== 'string') return `${name}: ${o.wrong}`;
        const backwards = Boolean(transformations[i]!.reverse || transformations[j]!.reverse) && Boolean(unbounded);
        return o === 'none' || (o === 'backwards') === backwards ? [] : `${name}: ${o}`;
      }),
    );
    t.strictSame(wrong, [], subject);
  }
  const text = document(table);
  if (process.env.COTANGENT_COMPOSITIONS === 'write') writeFileSync(file, text);
  t.equal(
    readFileSync(file, 'utf8'),
    text,
    'docs/compositions.md is what the tests say; `npm run compositions` writes it',
  );
  t.end();
});
