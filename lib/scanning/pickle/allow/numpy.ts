/** As in python.ts. NumPy 2 renamed `numpy.core` to `numpy._core`; files carry either. */
export const NUMPY = `
call numpy.core.multiarray _reconstruct scalar
call numpy._core.multiarray _reconstruct scalar
call numpy.core.numeric _frombuffer
call numpy._core.numeric _frombuffer
call numpy dtype
value numpy ndarray
both numpy bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64 complex128 str_ bytes_ object_ void datetime64 timedelta64
both numpy bool intc uintc long ulong longlong ulonglong intp uintp single double half str bytes object
both numpy.dtypes BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType Float16DType Float32DType Float64DType LongDoubleDType Complex64DType Complex128DType StrDType BytesDType ObjectDType VoidDType DateTime64DType TimeDelta64DType StringDType
value numpy.ma.core MaskedArray MaskedConstant
value numpy.ma MaskedArray
call numpy.ma.core _mareconstruct
call numpy.ma _mareconstruct
value numpy matrix recarray record
value numpy.matrixlib.defmatrix matrix
value numpy.core.records recarray record
value numpy.rec recarray record
call numpy.random._pickle __randomstate_ctor __generator_ctor __bit_generator_ctor
both numpy.random.mtrand RandomState
both numpy.random._mt19937 MT19937
both numpy.random._pcg64 PCG64 PCG64DXSM
both numpy.random._philox Philox
both numpy.random._sfc64 SFC64
both numpy.random._generator Generator
both numpy.random.bit_generator SeedSequence
call numpy.random.bit_generator __pyx_unpickle_SeedSequence
value numpy exp log log2 log10 log1p expm1 sqrt square abs absolute mean median max min sum std var tanh sin cos sign maximum minimum identity
value numpy.core._multiarray_umath exp log log2 log10 log1p expm1 sqrt square
guarded numpy.core _ufunc_reconstruct
guarded numpy._core _ufunc_reconstruct
class scipy.sparse._csr csr_matrix csr_array
class scipy.sparse._csc csc_matrix csc_array
class scipy.sparse._coo coo_matrix coo_array
class scipy.sparse._lil lil_matrix lil_array
class scipy.sparse._dok dok_matrix dok_array
class scipy.sparse._dia dia_matrix dia_array
class scipy.sparse._bsr bsr_matrix bsr_array
class scipy.sparse.csr csr_matrix
class scipy.sparse.csc csc_matrix
class scipy.sparse.coo coo_matrix
class scipy.interpolate._interpolate interp1d
class scipy.interpolate._bsplines BSpline
class scipy.interpolate.interpolate interp1d
value scipy.special._ufuncs expit logit
class numpy poly1d
class numpy.lib.polynomial poly1d
class numpy.lib._polynomial_impl poly1d
class scipy.interpolate._bsplines _BSpline
call numpy.random._bit_generator __pyx_unpickle_SeedSequence
both numpy.random._bit_generator SeedSequence
`;
