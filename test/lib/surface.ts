/** A valid call of every public function and class, from which `surface.test.ts` makes invalid ones. */
import * as cotangent from 'cotangent';

const { np, random, optimizers: o, tree, prox, projection, objectives, solvers } = cotangent;
type NDArray = cotangent.NDArray;

/** An argument of a valid call, and what may not stand in its place. */
export interface Argument {
  readonly value: unknown;
  readonly wrong: readonly unknown[];
  readonly optional: boolean;
}

/** A valid call: its arguments; then options, all of whose names are tried; then what it returns is called with. */
export interface Call {
  readonly args: readonly Argument[];
  readonly options?: object | undefined;
  /** What is refused in place of options. */
  readonly notOptions?: readonly unknown[];
  /** Options that take any text. */
  readonly texts?: readonly string[];
  readonly after?: readonly unknown[];
  /** What its errors call it, if not its name. */
  readonly as?: string;
}

const kinds = {
  array: ['no', undefined, null, () => 1, {}],
  list: ['no', undefined, 3, [undefined], ['no']],
  fn: [undefined, 'no', 3],
  int: ['no', 1.5, {}, Number.NaN],
  num: ['no', {}, undefined],
  shape: ['no', -1, 1.5, {}, [1.5], [-1], ['no']],
  axes: ['no', 1.5, {}, 7, [7], ['no']],
  dtype: ['float99', 3, null],
  key: ['no', undefined, 3, np.zeros([2])],
  tree: ['no', () => 1],
  text: [3, undefined],
  free: [],
} as const;

const argument =
  (wrong: readonly unknown[]) =>
  (value: unknown): Argument => ({ value, wrong, optional: false });
const optional = ({ value, wrong }: Argument): Argument => ({
  value,
  wrong: wrong.filter((x) => x !== undefined && x !== null),
  optional: true,
});
/** An optional argument in whose place options may stand. */
const skipped = ({ value, wrong }: Argument): Argument => ({
  value,
  wrong: wrong.filter((x) => x !== undefined && x !== null && (typeof x !== 'object' || Array.isArray(x))),
  optional: true,
});

const array = argument(kinds.array);
const list = argument(kinds.list);
const fn = argument(kinds.fn);
const int = argument(kinds.int);
const num = argument(kinds.num);
const shape = argument(kinds.shape);
const axes = argument(kinds.axes);
const dtype = argument(kinds.dtype);
const key = argument(kinds.key);
const anyTree = argument(kinds.tree);
const text = argument(kinds.text);
const free = argument(kinds.free);
/** An argument of a function that is traced: any tree. */
const given = argument(['no']);
const primals = argument(['no', undefined, 3]);

const m = np.array([
  [4, 1],
  [1, 3],
]);
const v = np.array([0.25, 0.5]);
const n = np.array([3, 1], { dtype: 'int32' });
const b = np.array([true, false]);
const k = random.key(0);

const call = (...args: Argument[]): Call => ({ args });
const withOptions = (options: object, ...args: Argument[]): Call => ({ args, options });
const many = (names: string, entry: Call): Record<string, Call> =>
  Object.fromEntries(names.split(' ').map((name) => [name, entry]));

const unary = call(array(v));
const binary = call(array(v), array(v));
const integers = call(array(n), array(n));
const f = (x: NDArray): NDArray => x.mul(x).sum();
const g = (x: NDArray): NDArray => x.mul(2);

const solverOptions = { maxiter: 2, tol: 1e-3 };
const solver = (options: object): Call => ({
  args: [],
  options: { ...solverOptions, ...options },
  texts: ['progress'],
});

export const table: Record<string, Record<string, Call>> = {
  '': {
    NDArray: call(free(np.zeros([]).aval)),
    ComplexArray: call(free(v), free(v)),
    ...many('grad valueAndGrad jacfwd jacrev jacobian hessian', {
      args: [fn(f)],
      options: { argnums: 0 },
      after: [v],
    }),
    vmap: { args: [fn(g)], options: { inAxes: 0 }, after: [v] },
    jit: { args: [fn(g)], options: { donate: [] }, after: [v] },
    checkpoint: { args: [fn(g)], options: {}, after: [v] },
    checkpointName: call(anyTree(v), text('name')),
    closureConvert: call(fn(g), given(v)),
    customBatching: call(fn(g)),
    customJvp: { args: [fn(g)], options: {} },
    customVjp: { args: [fn(g)], options: {} },
    customRoot: {
      args: [fn((x: NDArray, a: NDArray) => x.sub(a))],
      options: {},
      after: [(_x: NDArray, a: NDArray) => a],
    },
    customFixedPoint: {
      args: [fn((_x: NDArray, a: NDArray) => a)],
      options: {},
      after: [(_x: NDArray, a: NDArray) => a],
    },
    evalShape: call(fn(g), given(v)),
    // Asynchronous: below.
    init: { args: [] },
    jvp: { args: [fn(g), primals([v]), primals([v])], options: {} },
    vjp: { args: [fn(g), primals([v])], options: {} },
    linearize: call(fn(g), primals([v])),
    linearTranspose: call(fn(g), given(v)),
    makeJaxpr: { args: [fn(g)], after: [v] },
    pureCallback: {
      args: [fn((x: NDArray) => x), argument(['no', undefined, 3, [3]])(v), list([v])],
      options: { vmapMethod: 'sequential' },
    },
    rootJvp: {
      args: [fn((x: NDArray, a: NDArray) => x.sub(a)), given(v), primals([v]), primals([v])],
      options: {},
    },
    rootVjp: { args: [fn((x: NDArray, a: NDArray) => x.sub(a)), given(v), primals([v]), given(v)], options: {} },
  },
  checkpointPolicies: {
    ...many('everythingSaveable nothingSaveable dotsSaveable dotsWithNoBatchDimsSaveable', call(free({ name: 'add' }))),
    ...many('saveOnlyTheseNames saveAnyNamesButThese saveAnythingExceptTheseNames', call(text('a'))),
    saveFromBothPolicies: call(
      fn(cotangent.checkpointPolicies.dotsSaveable),
      fn(cotangent.checkpointPolicies.dotsSaveable),
    ),
  },
  debug: {
    ProgressLine: { args: [], options: { write: () => {} }, texts: ['label'] },
    callback: call(
      fn(() => {}),
      free(v),
    ),
    nans: { args: [argument([undefined, 'no', 3])(g)], options: { inf: true } },
    print: call(text('')),
    progress: { args: [array(1)], options: { write: () => {}, total: 2 }, texts: ['label'] },
  },
  lax: {
    ...many(
      'abs acos acosh asin asinh atan atanh cbrt ceil cos cosh digamma erf erfInv erfc exp exp2 expm1 floor isFinite lgamma log log1p log2 logistic neg reciprocal round rsqrt sign sin sinh sqrt tan tanh trunc real imag conj',
      unary,
    ),
    square: { ...unary, as: 'integerPow' },
    ...many('add atan2 div eq ge gt le lt max min mul ne nextafter pow rem sub', binary),
    complex: call(array(v), optional(array(v))),
    ...many('and or xor shiftLeft shiftRightArithmetic shiftRightLogical', integers),
    ...many('not populationCount', call(array(n))),
    ...many('all any', withOptions({ axis: 0 }, array(b))),
    ...many('sum prod', withOptions({ axis: 0 }, array(v))),
    // Which are NumPy's functions of these names.
    reduceMax: { ...withOptions({ axis: 0 }, array(v)), as: 'max' },
    reduceMin: { ...withOptions({ axis: 0 }, array(v)), as: 'min' },
    ...many('argmax argmin sort argsort cumlogsumexp cummax cummin cumprod cumsum', withOptions({ axis: 0 }, array(v))),
    stopGradient: call(anyTree(v)),
    associativeScan: withOptions(
      { axis: 0 },
      fn((a: NDArray, c: NDArray) => a.add(c)),
      anyTree(v),
    ),
    bitcastConvertType: call(array(v), dtype('int32')),
    convert: call(array(v), dtype('int32')),
    broadcastInDim: call(array(v), shape([3, 2]), argument(['no', 1, [5], ['no']])([1])),
    broadcastTo: call(array(v), shape([3, 2])),
    broadcastedIota: call(dtype('int32'), shape([2]), int(0)),
    iota: call(dtype('int32'), int(3)),
    full: call(shape([2]), num(1), dtype('float32')),
    cholesky: withOptions({ symmetrizeInput: true }, array(m)),
    eig: withOptions({ computeLeftEigenvectors: false, computeRightEigenvectors: false }, array(m)),
    eigh: withOptions({ symmetrizeInput: true }, array(m)),
    ...many('hessenberg schur', call(array(m))),
    qr: withOptions({ fullMatrices: true }, array(m)),
    lu: call(array(m)),
    svd: withOptions({ computeUv: true }, array(m)),
    triangularSolve: withOptions({ lower: true }, array(m), array(m)),
    clamp: call(array(0), array(v), array(1)),
    concatenate: call(list([v, v]), int(0)),
    cond: call(array(true), fn(g), fn(g), free(v)),
    switch: call(array(0), argument(['no', undefined, [], ['no']])([g]), free(v)),
    foriLoop: withOptions(
      {},
      array(0),
      array(2),
      fn((_i: NDArray, c: NDArray) => c.mul(2)),
      anyTree(v),
    ),
    map: call(fn(g), anyTree(v)),
    scan: withOptions(
      { length: 2 },
      fn((c: NDArray, x: NDArray) => [c.add(x), x]),
      anyTree(np.zeros([])),
      anyTree(v),
    ),
    whileLoop: withOptions(
      { maxSteps: 2 },
      fn((x: NDArray) => x.sum().lt(1)),
      fn(g),
      anyTree(v),
    ),
    conv: withOptions({ padding: 'SAME' }, array(np.ones([1, 1, 3])), array(np.ones([1, 1, 2]))),
    convGeneralDilated: withOptions({ padding: 'SAME' }, array(np.ones([1, 1, 3])), array(np.ones([1, 1, 2]))),
    convTranspose: withOptions({ padding: 'SAME' }, array(np.ones([1, 3, 1])), array(np.ones([2, 1, 1]))),
    dotGeneral: withOptions({ lhsContract: [0], rhsContract: [0] }, array(v), array(v)),
    dynamicIndexInDim: call(array(v), array(0), optional(int(0))),
    dynamicSlice: call(array(v), list([0]), shape([1])),
    dynamicSliceInDim: call(array(v), array(0), int(1), optional(int(0))),
    dynamicUpdateIndexInDim: call(array(v), array(1), array(0), optional(int(0))),
    dynamicUpdateSlice: call(array(v), array(v), list([0])),
    dynamicUpdateSliceInDim: call(array(v), array(v), array(0), optional(int(0))),
    expandDims: call(array(v), axes([0])),
    squeeze: call(array(np.ones([1, 2])), axes([0])),
    reverse: call(array(v), axes([0])),
    transpose: call(array(m), optional(axes([1, 0]))),
    reshape: call(array(v), argument(['no', 1.5, {}, [1.5], ['no'], [3]])([2, 1])),
    gather: withOptions(
      { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0], sliceSizes: [1] },
      array(v),
      array(np.array([[0]], { dtype: 'int32' })),
    ),
    ...many(
      'scatter scatterAdd scatterMax scatterMin scatterMul',
      withOptions(
        { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] },
        array(v),
        array(np.array([[0]], { dtype: 'int32' })),
        array(np.array([1])),
      ),
    ),
    indexInDim: call(array(v), int(0), optional(int(0))),
    integerPow: call(array(v), int(2)),
    pad: call(array(v), array(0), argument(['no', undefined, 1, [1], [['no', 0, 0]]])([[1, 1, 0]])),
    reduceWindow: withOptions({ windowDimensions: [2] }, array(v), array(0), argument(['no', undefined])('add')),
    select: call(array(b), array(v), array(v)),
    slice: call(array(v), shape([0]), shape([1]), optional(shape([1]))),
    sliceInDim: call(array(v), int(0), optional(int(1)), optional(int(1)), optional(int(0))),
    sortMulti: withOptions({ dimension: 0 }, list([v, v])),
    topK: withOptions({ axis: 0 }, array(v), int(1)),
  },
  fft: {
    ...many('fft ifft rfft ihfft', withOptions({ axis: 0, n: 3, norm: 'ortho' }, array(v))),
    ...many('irfft hfft', withOptions({ axis: 0, n: 3 }, array(v))),
    ...many('fftn ifftn rfftn irfftn fft2 ifft2 rfft2 irfft2', withOptions({ axes: [0, 1], s: [2, 2] }, array(m))),
    ...many('fftfreq rfftfreq', withOptions({ d: 0.5, dtype: 'float64' }, int(3))),
    ...many('fftshift ifftshift', withOptions({ axes: [0] }, array(m))),
  },
  linalg: {
    choFactor: withOptions({ lower: true }, array(m)),
    choSolve: call(argument(['no', undefined, 3, {}])(cotangent.linalg.choFactor(m)), array(v)),
    cholesky: withOptions({ upper: true }, array(m)),
    cond: withOptions({ p: 2 }, array(m)),
    cross: withOptions({}, array(np.ones([3])), array(np.ones([3]))),
    ...many('det inv slogdet svdvals lu luFactor matrixTranspose', call(array(m))),
    ...many('circulant companion', call(array(v))),
    ...many('toeplitz hankel', call(array(v), optional(array(v)))),
    ...many('hilbert hadamard pascal', withOptions({ dtype: 'float64' }, int(2))),
    tensorsolve: withOptions({ axes: [] }, array(m), array(v)),
    tensorinv: withOptions({ ind: 1 }, array(m)),
    ...many('diagonal trace', withOptions({ offset: 0 }, array(m))),
    ...many('eig eigvals schur hessenberg sqrtm', call(array(m))),
    polar: withOptions({ side: 'left' }, array(m)),
    eigh: withOptions({ symmetrizeInput: true }, array(m)),
    eigvalsh: withOptions({ symmetrizeInput: true }, array(m)),
    expm: withOptions({ maxSquarings: 3 }, array(m)),
    lstsq: call(array(m), array(v)),
    solve: call(array(m), array(v)),
    luSolve: call(argument(['no', undefined, 3, {}])(cotangent.linalg.luFactor(m)), array(v)),
    matmul: call(array(m), array(v)),
    matrixNorm: withOptions({ ord: 'fro' }, array(m)),
    norm: withOptions({ ord: 2 }, array(m)),
    vectorNorm: withOptions({ ord: 2 }, array(v)),
    matrixPower: call(array(m), int(2)),
    matrixRank: withOptions({ rtol: 1e-6 }, array(m)),
    pinv: withOptions({ rtol: 1e-6 }, array(m)),
    multiDot: call(list([m, m])),
    outer: binary,
    qr: withOptions({ mode: 'reduced' }, array(m)),
    solveTriangular: withOptions({ lower: true }, array(m), array(v)),
    svd: withOptions({ fullMatrices: true }, array(m)),
    tensordot: withOptions({ axes: 1 }, array(m), array(m)),
    vecdot: withOptions({ axis: 0 }, array(v), array(v)),
  },
  linearSolve: {
    ...many(
      'solveBicgstab solveCg solveCholesky solveGmres solveInv solveLu solveNormalCg',
      withOptions(
        { tol: 1e-3 },
        fn((x: NDArray) => np.matmul(m, x)),
        anyTree(v),
      ),
    ),
    knownMethod: call(free(cotangent.linearSolve.solveCg)),
    statusName: call(argument(['no', undefined, null, {}])(0)),
  },
  nn: {
    ...many(
      'hardSigmoid hardSilu hardTanh logSigmoid mish relu relu6 selu sigmoid silu softSign softplus sparsePlus sparseSigmoid swish tanh',
      unary,
    ),
    ...many('celu elu', withOptions({ alpha: 1 }, array(v))),
    leakyRelu: withOptions({ slope: 0.1 }, array(v)),
    squareplus: withOptions({ b: 1 }, array(v)),
    gelu: withOptions({ approximate: true }, array(v)),
    glu: withOptions({ axis: 0 }, array(v)),
    ...many('softmax logSoftmax standardize logsumexp', withOptions({ axis: 0 }, array(v))),
    ...many('avgPool maxPool minPool', withOptions({ padding: 'VALID' }, array(np.ones([1, 2, 2, 1])), shape([2, 2]))),
    oneHot: withOptions({ axis: -1 }, array(n), int(4)),
    dotProductAttention: withOptions({ isCausal: true }, ...[1, 2, 3].map(() => array(np.ones([2, 2, 2])))),
  },
  'nn.initializers': {
    ...many('zeros ones', withOptions({ dtype: 'float32' }, key(k), shape([2, 2]))),
    constant: { args: [array(1)], after: [k, [2]] },
    ...many('normal uniform truncatedNormal', { args: [optional(num(1))], after: [k, [2, 2]] }),
    ...many('glorotNormal glorotUniform heNormal heUniform lecunNormal lecunUniform', {
      args: [],
      options: { inAxis: 0 },
      after: [k, [2, 2]],
    }),
    varianceScaling: { args: [num(1)], options: { mode: 'fan_in' }, after: [k, [2, 2]] },
    orthogonal: { args: [optional(num(1))], options: { columnAxis: 0 }, after: [k, [2, 2]] },
  },
  isotonic: {
    isotonicL2: withOptions({ increasing: true }, array(v)),
    ...many('softRank softSort', withOptions({ strength: 0.5 }, array(v))),
  },
  losses: {
    ...many(
      'hingeLoss klDivergence l2Loss logCosh perceptronLoss sigmoidBinaryCrossEntropy sparsemaxLoss squaredError',
      binary,
    ),
    makeFenchelYoungLoss: { args: [fn(cotangent.special.logsumexp)], after: [v, v] },
    ...many('multiclassHingeLoss multiclassPerceptronLoss multiclassSparsemaxLoss', call(array(m), array(n.sub(n)))),
    cosineSimilarity: withOptions({ epsilon: 0.1 }, array(v), array(v)),
    huberLoss: withOptions({ delta: 0.1 }, array(v), array(v)),
    softmaxCrossEntropy: withOptions({ axis: 0 }, array(v), array(v)),
    softmaxCrossEntropyWithIntegerLabels: call(array(m), array(n.sub(n))),
  },
  np: {
    ...many(
      'acos acosh asin asinh atan atanh frexp modf spacing poly uniqueAll uniqueCounts uniqueInverse uniqueValues abs absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh deg2rad degrees exp exp2 expm1 fabs fix floor isfinite isinf isnan isneginf isposinf log log10 log1p log2 negative positive rad2deg radians reciprocal rint sign signbit sin sinc sinh sqrt square tan tanh trunc ravel logicalNot atleast1d atleast2d atleast3d flatnonzero argwhere nonzero unique ediff1d copy ndim shape real imag conj conjugate isreal iscomplex isrealobj iscomplexobj',
      unary,
    ),
    complex: call(array(v), optional(array(v))),
    angle: withOptions({ deg: true }, array(v)),
    realIfClose: withOptions({ tol: 100 }, array(v)),
    ...many('bitwiseCount bitwiseInvert bitwiseNot invert', call(array(n))),
    ...many('packbits unpackbits', withOptions({ axis: 0, bitorder: 'little' }, array(n))),
    ...many('fliplr flipud matrixTranspose', call(array(m))),
    ...many(
      'add atan2 nextafter pow polydiv polysub setxor1d arrayEquiv arctan2 copysign divide divmod equal floatPower floorDivide fmax fmin fmod greater greaterEqual heaviside hypot less lessEqual logaddexp logaddexp2 logicalAnd logicalOr logicalXor maximum minimum mod multiply notEqual power remainder subtract trueDivide dot inner outer kron vdot matmul polyval',
      binary,
    ),
    ...many(
      'bitwiseAnd bitwiseLeftShift bitwiseOr bitwiseRightShift bitwiseXor gcd lcm leftShift rightShift',
      integers,
    ),
    ldexp: call(array(v), array(n)),
    matvec: call(array(m), array(v)),
    vecmat: call(array(v), array(m)),
    ...many('cumulativeProd cumulativeSum', withOptions({ includeInitial: true }, array(v))),
    unstack: withOptions({ axis: 0 }, array(v)),
    resize: call(array(v), shape([3])),
    rollaxis: call(array(m), int(1), optional(int(0))),
    dsplit: call(array(np.ones([1, 1, 2])), int(2)),
    broadcastShapes: call(shape([2]), shape([1])),
    ...many('bartlett blackman hamming hanning', withOptions({ dtype: 'float64' }, int(3))),
    kaiser: withOptions({ dtype: 'float64' }, int(3), num(1)),
    histogramBinEdges: withOptions({ bins: 2 }, array(v)),
    compress: withOptions({ axis: 0 }, array(b), array(v)),
    extract: call(array(b), array(v)),
    trimZeros: withOptions({ trim: 'f' }, array(v)),
    diagIndicesFrom: call(array(m)),
    ...many('trilIndicesFrom triuIndicesFrom', withOptions({ k: 0 }, array(m))),
    fromfunction: withOptions({ dtype: 'int32' }, fn(g), shape([2])),
    applyOverAxes: call(
      fn((x: NDArray) => x),
      array(v),
      axes(0),
    ),
    promoteTypes: call(dtype('int32'), dtype('float32')),
    ...many('allclose isclose', withOptions({ rtol: 1e-3 }, array(v), array(v))),
    arrayEqual: withOptions({ equalNan: true }, array(v), array(v)),
    ...many(
      'all any amax amin argmax argmin max min mean prod ptp std sum var nanmax nanmean nanmin nanprod nanstd nansum nanvar countNonzero median average nanargmax nanargmin nanmedian',
      withOptions({ axis: 0 }, array(v)),
    ),
    ...many('cumprod cumsum nancumprod nancumsum sort argsort', withOptions({ axis: 0 }, array(v))),
    diff: withOptions({ n: 1 }, array(v)),
    flip: withOptions({ axis: 0 }, array(v)),
    squeeze: withOptions({ axis: 0 }, array(np.ones([1, 2]))),
    size: withOptions({ axis: 0 }, array(v)),
    gradient: withOptions({ axis: 0 }, array(v)),
    trapezoid: withOptions({ dx: 1 }, array(v)),
    corrcoef: withOptions({}, array(m)),
    cov: withOptions({ ddof: 1 }, array(m)),
    nanToNum: withOptions({ nan: 0 }, array(v)),
    ...many('around round', withOptions({ decimals: 1 }, array(v))),
    append: withOptions({ axis: 0 }, array(v), array(v)),
    arange: {
      args: [argument(['no', {}, Number.NaN, undefined])(3)],
      options: { dtype: 'int32' },
      notOptions: ['no', [1]],
    },
    array: { args: [argument(['no', undefined, null, () => 1, {}, [1, 'no']])(v)], options: { dtype: 'float32' } },
    asarray: { args: [argument(['no', undefined, null, () => 1, {}])(v)], options: { dtype: 'float32' } },
    arraySplit: withOptions({ axis: 0 }, array(v), int(2)),
    split: withOptions({ axis: 0 }, array(v), int(2)),
    hsplit: call(array(v), int(2)),
    vsplit: call(array(m), int(2)),
    astype: call(array(v), dtype('int32')),
    bincount: withOptions({ length: 4 }, array(n)),
    blockDiag: call(list([m, m])),
    broadcastArrays: call(list([v, v])),
    broadcastTo: call(array(v), shape([3, 2])),
    choose: call(array(np.array([0, 1], { dtype: 'int32' })), list([v, v])),
    clip: call(array(v), optional(array(0)), optional(array(1))),
    ...many('columnStack dstack hstack vstack', call(list([v, v]))),
    ...many('concat concatenate stack', withOptions({ axis: 0 }, list([v, v]))),
    ...many('convolve correlate', withOptions({ mode: 'same' }, array(v), array(v))),
    cross: withOptions({}, array(np.ones([3])), array(np.ones([3]))),
    ...many('diag diagflat', withOptions({ k: 0 }, array(v))),
    ...many('diagonal trace', withOptions({ offset: 0 }, array(m))),
    ...many('partition argpartition', withOptions({ axis: 0 }, array(v), int(1))),
    lexsort: withOptions({ axis: 0 }, list([v, v])),
    delete: withOptions({ axis: 0 }, array(v), argument(['no', 1.5, {}, 7, [7], ['no']])(0)),
    insert: withOptions({ axis: 0 }, array(v), argument(['no', 1.5, {}, 7, [7], ['no']])(0), array(1)),
    fillDiagonal: withOptions({ wrap: true }, array(m), array(0)),
    putAlongAxis: withOptions({ axis: 0 }, array(v), array(n.sub(n)), array(1)),
    vectorize: { args: [fn(g)], options: { excluded: [] }, after: [v] },
    histogram2d: withOptions({ bins: 2 }, array(v), array(v)),
    histogramdd: withOptions({ bins: 2 }, array(m)),
    i0: unary,
    applyAlongAxis: call(fn(g), int(0), array(m)),
    piecewise: call(array(v), list([b]), argument(['no', undefined, [], ['no']])([1])),
    block: call(argument(['no', undefined, [], [undefined], [1, [2]]])([[v, v]])),
    indices: call(shape([2])),
    ix: call(argument(['no', 3, () => 1])(n)),
    unravelIndex: call(array(n), shape([5])),
    ravelMultiIndex: withOptions({ mode: 'clip' }, list([n, n]), shape([4, 4])),
    diagIndices: withOptions({ ndim: 2 }, int(3)),
    isin: withOptions({ invert: true }, array(v), array(v)),
    ...many('intersect1d setdiff1d union1d polyadd polymul', binary),
    ...many('polyder polyint', withOptions({ m: 1 }, array(v))),
    roots: withOptions({ stripZeros: true }, array(v)),
    polyfit: withOptions({ w: v }, array(v), array(v), int(1)),
    unwrap: withOptions({ period: 3 }, array(v)),
    digitize: withOptions({ right: true }, array(v), array(v)),
    einsum: call(argument([3, undefined, 'i,j', 'i->j'])('i->i'), array(v)),
    ...many('empty ones zeros', withOptions({ dtype: 'float32' }, shape([2]))),
    ...many('emptyLike onesLike zerosLike', withOptions({ dtype: 'float32' }, array(v))),
    full: withOptions({ dtype: 'float32' }, shape([2]), array(1)),
    fullLike: withOptions({ dtype: 'float32' }, array(v), array(1)),
    expandDims: call(array(v), axes(0)),
    eye: withOptions({ k: 0 }, int(2), skipped(int(2))),
    identity: withOptions({ dtype: 'float32' }, int(2)),
    tri: withOptions({ k: 0 }, int(2), skipped(int(2))),
    ...many('finfo', call(argument(['no', undefined, 'int32', {}])('float32'))),
    iinfo: call(argument(['no', undefined, 'float32', {}])('int32')),
    geomspace: withOptions({ endpoint: true }, num(1), num(2), skipped(int(3))),
    linspace: withOptions({ endpoint: true }, array(1), array(2), skipped(int(3))),
    logspace: withOptions({ base: 2 }, array(1), array(2), skipped(int(3))),
    histogram: withOptions({ bins: 3 }, array(v)),
    interp: withOptions({ left: 0 }, array(v), array(v), array(v)),
    meshgrid: withOptions({ indexing: 'ij' }, list([v, v])),
    moveaxis: call(array(m), axes(0), axes(1)),
    swapaxes: call(array(m), axes(0), axes(1)),
    pad: withOptions({ mode: 'constant' }, array(v), argument(['no', undefined, -1, 1.5, {}])(1)),
    ...many('permuteDims transpose', call(array(m), optional(axes([1, 0])))),
    ...many(
      'quantile nanquantile',
      withOptions({ axis: 0 }, array(v), argument(['no', undefined, 2, -0.1, [0.5, 2]])(0.5)),
    ),
    ...many('percentile nanpercentile', withOptions({ axis: 0 }, array(v), argument(['no', undefined, 200, -1])(50))),
    repeat: withOptions({ axis: 0 }, array(v), int(2)),
    reshape: call(array(v), argument(['no', 1.5, {}, [1.5], ['no'], [3]])([2, 1])),
    resultType: call(argument(['no', undefined, {}])('float32')),
    roll: withOptions({ axis: 0 }, array(v), int(1)),
    rot90: withOptions({ axes: [0, 1] }, array(m), optional(int(1))),
    searchsorted: withOptions({ side: 'left' }, array(v), array(v)),
    select: call(list([b, b]), list([v, v]), optional(array(0))),
    take: withOptions({ axis: 0 }, array(v), argument(['no', undefined, null, {}, 1.5])(0)),
    takeAlongAxis: withOptions({ axis: 0 }, array(v), array(n.sub(n))),
    tensordot: withOptions({ axes: 1 }, array(m), array(m)),
    vecdot: withOptions({ axis: 0 }, array(v), array(v)),
    tile: call(array(v), int(2)),
    ...many('tril triu', withOptions({ k: 0 }, array(m))),
    ...many('trilIndices triuIndices', withOptions({ k: 0 }, int(2))),
    vander: withOptions({ n: 2 }, array(v)),
    where: call(array(b), array(v), array(v)),
  },
  optimizers: {
    ...many('adagrad adam adamw lion nadam nadamw rmsprop sgd scaleByLearningRate', withOptions({}, num(0.1))),
    ...many('scaleByAdam scaleByLion scaleByRms scaleByRss scaleByStddev', withOptions({})),
    addDecayedWeights: withOptions({}, num(0.1)),
    applyUpdates: call(argument(['no', undefined, null])(v), argument(['no', undefined, null])(v)),
    chain: call(argument(['no', undefined, 3, {}])(o.identity())),
    ...many('clip clipByGlobalNorm scale constantSchedule', call(num(1))),
    cosineDecaySchedule: withOptions({ decaySteps: 2 }, num(1)),
    exponentialDecay: withOptions({ transitionSteps: 2, decayRate: 0.5 }, num(1)),
    globalNorm: call(anyTree(v)),
    identity: call(),
    joinSchedules: call(
      argument(['no', undefined, [3]])([o.constantSchedule(1)]),
      argument(['no', undefined, ['no']])([]),
    ),
    linearSchedule: withOptions({ transitionSteps: 2 }, num(1), num(0)),
    piecewiseConstantSchedule: call(num(1), optional(argument(['no', 3])({ 2: 0.5 }))),
    polynomialSchedule: withOptions({ transitionSteps: 2, power: 1 }, num(1), num(0)),
    scaleBySchedule: call(fn(o.constantSchedule(1))),
    trace: withOptions({ decay: 0.9 }),
    warmupCosineDecaySchedule: withOptions({ warmupSteps: 1, decaySteps: 2 }, num(0), num(1)),
  },
  objectives: {
    compositeLinearFunction: {
      args: [],
      options: { subfun: f, linop: () => m, smoothness: () => 1 },
      after: [v],
    },
    linearOperator: call(array(m)),
    ...many('leastSquares binaryLogreg multiclassLogreg', call(array(m), list([m, n.sub(1)]))),
    ...many('binaryLogregWithIntercept multiclassLogregWithIntercept', call(list([m, v]), list([m, n.sub(1)]))),
    ...many('ridgeRegression l2BinaryLogreg l2MulticlassLogreg', call(array(m), array(1), list([m, n.sub(1)]))),
    ...many(
      'l2BinaryLogregWithIntercept l2MulticlassLogregWithIntercept',
      call(list([m, v]), array(1), list([m, n.sub(1)])),
    ),
    multiclassLinearSvmDual: call(array(m), array(1), list([m, m])),
  },
  perturbations: {
    ...many('makePerturbedArgmax makePerturbedFun', {
      args: [fn(g)],
      options: { numSamples: 2, controlVariate: true },
      after: [v, k],
    }),
    makePerturbedMax: { args: [fn(g)], options: { numSamples: 2 }, after: [v, k] },
  },
  projection: {
    permutahedron: call(array(v), array(v)),
    ...many('affineSet', call(array(v), list([m, v]))),
    box: call(anyTree(v), list([0, 1])),
    boxSection: call(array(v), list([v.mul(0), v.mul(0).add(1), v.mul(0).add(1), 1])),
    ...many('halfspace hyperplane', call(array(v), list([v, 1]))),
    ...many('l2Ball l2Sphere linfBall', call(anyTree(v), optional(array(1)))),
    hypercube: call(anyTree(v), optional(argument(['no', () => 1])(1))),
    ...many('l1Ball l1Sphere simplex', call(array(v), optional(array(1)))),
    nonNegative: call(anyTree(v)),
    polyhedron: call(array(v), list([m, v, m, v])),
    sparseSimplex: call(array(v), int(1), optional(array(1))),
    ...many('klTransport transport', withOptions({ useSemiDual: true }, array(m), list([v, v]))),
    ...many('birkhoff klBirkhoff', withOptions({ useSemiDual: true }, array(m))),
  },
  prox: {
    elasticNet: call(anyTree(v), optional(list([1, 1])), optional(array(1))),
    fromProjection: call(fn(projection.simplex)),
    ...many(
      'groupLasso lasso nonNegativeLasso nonNegativeRidge ridge',
      call(anyTree(v), optional(array(1)), optional(array(1))),
    ),
    none: call(free(v)),
    nuclear: call(array(m), optional(array(1)), optional(array(1))),
  },
  random: {
    bernoulli: call(key(k), optional(array(0.5)), optional(shape([2]))),
    bits: call(key(k), optional(shape([2]))),
    categorical: withOptions({ axis: -1 }, key(k), array(v)),
    choice: withOptions({ replace: true }, key(k), argument(['no', undefined, 1.5, -1])(3), skipped(shape([2]))),
    permutation: withOptions({ axis: 0 }, key(k), argument(['no', undefined, 1.5, -1])(3)),
    ...many(
      'cauchy exponential gumbel laplace logistic normal rademacher uniform',
      withOptions({ dtype: 'float32' }, key(k), skipped(shape([2]))),
    ),
    truncatedNormal: withOptions({ dtype: 'float32' }, key(k), array(-1), array(1), skipped(shape([2]))),
    multivariateNormal: withOptions({ dtype: 'float32' }, key(k), array(v), array(m), skipped(shape([2]))),
    ...many(
      'gamma loggamma chisquare t pareto power rayleigh wald lognormal generalizedNormal',
      withOptions({ dtype: 'float32' }, key(k), array(v), skipped(shape([2]))),
    ),
    ...many('poisson geometric zipf logseries', withOptions({ dtype: 'int32' }, key(k), array(v), skipped(shape([2])))),
    ...many(
      'beta f binomial weibullMin doubleSidedMaxwell vonmises',
      withOptions({ dtype: 'float32' }, key(k), array(v), array(v), skipped(shape([2]))),
    ),
    negativeBinomial: withOptions({ dtype: 'int32' }, key(k), array(v), array(v), skipped(shape([2]))),
    multinomial: withOptions({ dtype: 'float32' }, key(k), array(3), array(v), skipped(shape([2]))),
    triangular: withOptions({ dtype: 'float32' }, key(k), array(0), array(1), array(2), skipped(shape([2]))),
    dirichlet: withOptions({ dtype: 'float32' }, key(k), array(v), skipped(shape([2]))),
    maxwell: withOptions({ dtype: 'float32' }, key(k), skipped(shape([2]))),
    ball: withOptions({ p: 2 }, key(k), argument(['no', 1.5, -1])(2), skipped(shape([2]))),
    orthogonal: withOptions({ dtype: 'float32' }, key(k), argument(['no', 1.5, -1])(2), skipped(shape([2]))),
    foldIn: call(key(k), int(1)),
    key: call(int(1)),
    randint: withOptions({ dtype: 'int32' }, key(k), shape([2]), array(0), array(5)),
    split: call(key(k), optional(shape(2))),
  },
  // Of the array v.
  'NDArray.prototype': {
    ...many(
      'add sub mul div mod pow gt ge lt le eq ne and or xor dot matmul',
      call(array(np.array([3, 1], { dtype: 'int32' }))),
    ),
    ...many('neg abs sign sqrt exp log sin cos tan tanh square reciprocal floor ceil not ravel flatten', call()),
    round: withOptions({ decimals: 1 }),
    ...many(
      'sum prod mean max min any all var std argmax argmin cumsum cumprod sort argsort squeeze',
      withOptions({ axis: 0 }),
    ),
    diagonal: { ...withOptions({ offset: 0 }) },
    reshape: call(argument(['no', 1.5, {}, [1.5], ['no'], [3]])([2, 1])),
    transpose: call(),
    swapaxes: call(axes(0), axes(-1)),
    expandDims: call(axes(0)),
    astype: call(dtype('int32')),
    clip: call(optional(array(0)), optional(array(1))),
    take: withOptions({ axis: 0 }, argument(['no', undefined, null, {}, 1.5])(0)),
    repeat: withOptions({ axis: 0 }, int(2)),
    slice: call(argument(['no', 1.5, {}, 7])(0)),
    at: call(argument(['no', 1.5, {}, 7])(0)),
  },
  npy: {
    load: call(argument(['no', undefined, 3, v])(cotangent.npy.save(v))),
    loadz: call(argument(['no', undefined, 3, v])(cotangent.npy.savez({ v }))),
    save: call(array(v)),
    savez: call(argument(['no', undefined, 3, v, { v: 'no' }])({ v })),
  },
  safetensors: {
    flattenNames: call(anyTree({ a: v })),
    unflattenNames: call(argument(['no', undefined, 3])({ a: v })),
    ...many('load loadMetadata', call(argument(['no', undefined, 3, v])(cotangent.safetensors.save({ a: v })))),
    loadTree: call(
      argument(['no', undefined, 3, v])(cotangent.safetensors.save({ a: v })),
      optional(anyTree({ a: v })),
    ),
    save: { args: [anyTree({ a: v })], options: { metadata: { a: 'b' } } },
  },
  solvers: {
    AndersonAcceleration: solver({ fixedPointFun: g }),
    FixedPointIteration: solver({ fixedPointFun: g }),
    ...many('BFGS LBFGS LBFGSB NelderMead NonlinearCG GradientDescent', solver({ fun: f })),
    ...many('Broyden Newton', solver({ fun: g })),
    AndersonWrapper: {
      args: [],
      options: { solver: new cotangent.solvers.GradientDescent({ fun: f }) },
      texts: ['progress'],
    },
    ...many('BacktrackingLineSearch HagerZhangLineSearch ZoomLineSearch', withOptions({ fun: f })),
    ...many('BoxCDQP BoxOSQP IterativeRefinement OSQP', solver({})),
    EqualityConstrainedQP: withOptions({ tol: 1e-3, maxiter: 10, throw: false, jit: false, matvecQ: g }),
    Bisection: solver({ optimalityFun: g, lower: 0, upper: 1 }),
    ...many('GaussNewton LevenbergMarquardt', solver({ residualFun: g })),
    OptimizerSolver: solver({ fun: f, optimizer: o.sgd(0.1) }),
    ...many('ArmijoSGD PolyakSGD', solver({ fun: f })),
    BlockCoordinateDescent: solver({ fun: objectives.leastSquares, blockProx: prox.lasso }),
    MirrorDescent: solver({ fun: f, projectionGrad: solvers.klProjectionGrad, stepsize: 0.1 }),
    klProjectionGrad: call(anyTree(v), anyTree(v), array(1), optional(array(1))),
    makeProjectionGrad: call(fn(g), fn(g)),
    ProjectedGradient: solver({ fun: f, projection: projection.nonNegative }),
    ProximalGradient: solver({ fun: f, prox: prox.lasso }),
    ...many('IterativeSolver LineSearch StochasticSolver', { args: [] }),
    odeint: {
      args: [fn((y: NDArray) => y.neg()), anyTree(v), array(v), optional(argument(['no', 3])([]))],
      options: { maxSteps: 9 },
    },
    statusName: call(argument(['no', undefined, null, {}])(0)),
  },
  special: {
    ...many(
      'digamma entr erf erfc erfinv exp1 expi expit factorial gamma gammaln gammasgn i0 i0e i1 i1e logNdtr logit ndtr ndtri',
      unary,
    ),
    ...many('beta betaln expn gammainc gammaincc klDiv polygamma relEntr xlog1py xlogy', binary),
    betainc: call(array(v), array(v), array(v)),
    zeta: call(array(v), optional(array(v))),
    logsumexp: withOptions({ axis: 0 }, array(v)),
    multigammaln: call(array(v.add(3)), int(2)),
  },
  stats: {},
  ...Object.fromEntries(
    'cauchy expon laplace logistic norm uniform'
      .split(' ')
      .map((name) => [
        `stats.${name}`,
        many('logpdf pdf cdf logcdf sf logsf ppf isf', call(array(v), optional(array(0)), optional(array(1)))),
      ]),
  ),
  ...Object.fromEntries(
    ['t', 'gamma', 'chi2'].map((name) => [
      `stats.${name}`,
      many('logpdf pdf cdf logcdf sf logsf', call(array(v), array(v), optional(array(0)), optional(array(1)))),
    ]),
  ),
  'stats.beta': many(
    'logpdf pdf cdf logcdf sf logsf',
    call(array(v), array(v), array(v), optional(array(0)), optional(array(1))),
  ),
  'stats.bernoulli': many('logpmf pmf cdf', call(array(v), array(v), optional(array(0)))),
  'stats.binom': many('logpmf pmf cdf sf', call(array(1), array(3), array(0.5), optional(array(0)))),
  'stats.dirichlet': many('logpdf pdf', binary),
  'stats.multivariateNormal': many('logpdf pdf', call(array(v), array(v), array(m))),
  'stats.poisson': many('logpmf pmf cdf sf', call(array(v), array(v), optional(array(0)))),
  tree: {
    ravel: call(anyTree(v)),
    TreeDef: call(free({ kind: 'leaf' })),
    collectLeaves: call(free(tree.structure(v)), free(v), free([])),
    ...many('flatten leaves structure', call(anyTree(v))),
    isLeaf: call(free(v)),
    leafPaths: call(argument(['no', undefined, v])(tree.structure({ a: v }))),
    map: call(fn(g), anyTree(v)),
    mapWithPath: call(
      fn((_: string, x: NDArray) => x.mul(2)),
      anyTree(v),
    ),
    leavesWithPath: call(anyTree(v)),
    all: call(anyTree(1)),
    transpose: call(
      argument(['no', undefined, v])(tree.structure([v])),
      argument(['no', undefined, v])(tree.structure({ a: v })),
      anyTree([{ a: v }]),
    ),
    reduce: call(
      fn((a: number) => a),
      anyTree(v),
      free(0),
    ),
    register: call(
      fn(class Point {}),
      fn(() => ({ children: [] })),
      fn(() => 1),
    ),
    unflatten: call(argument(['no', undefined, v])(tree.structure({ a: v })), argument(['no', undefined, 3, []])([v])),
  },
};
