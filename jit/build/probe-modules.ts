import { encodeNode, encodeU32 } from '@webassemblyjs/wasm-gen';

/**
 * Part of the build: modules of one function `[] → v128` that uses an instruction. An engine validates them if it has the
 * instruction. They are encoded here, so that a process that asks loads nothing for it.
 */
export function probeModules(): { readonly simd: number[]; readonly relaxed: number[] } {
  const zero = vectorOfZeros();
  return {
    // f32x4.add
    simd: moduleOf([...zero, ...zero, 0xfd, ...encodeU32(0xe4)]),
    // f32x4.relaxed_madd
    relaxed: moduleOf([...zero, ...zero, ...zero, 0xfd, ...encodeU32(0x105)]),
  };
}

/** `i32.const 0; i32x4.splat`. */
const vectorOfZeros = (): number[] => [
  ...encodeNode({ type: 'Instr', object: 'i32', id: 'const', args: [{ type: 'NumberLiteral', value: 0 }] }),
  ...[0xfd, ...encodeU32(0x11)],
];

/** Header, type, function and code section around the instructions. */
function moduleOf(instructions: readonly number[]): number[] {
  const functype = { params: [], results: ['v128'] };
  // Without locals in front of the instructions.
  const body = [0, ...instructions, ...encodeNode({ type: 'Instr', id: 'end' })];
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section('type', encodeNode({ type: 'TypeInstruction', functype })),
    ...section('func', encodeNode({ type: 'IndexInFuncSection', index: { value: 0 } })),
    ...section('code', [...encodeU32(body.length), ...body]),
  ];
}

/** A section of one entry. */
function section(section: string, entry: readonly number[]): number[] {
  const size = { value: 1 + entry.length };
  return [...encodeNode({ type: 'SectionMetadata', section, size, vectorOfSize: { value: 1 } }), ...entry];
}
