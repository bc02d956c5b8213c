/**
 * One line per module: role, module, names. Only what real model files need, and only what does nothing but build a value
 * when it is called with whatever arguments a file chooses; calls.ts restricts the arguments of a few.
 */
export const PYTHON = `
both builtins set frozenset list tuple dict bytes bytearray complex slice range xrange int float str bool unicode long
call builtins type
value builtins NoneType Ellipsis NotImplemented
class builtins object
value builtins abs len max min sum round sorted zip enumerate
both builtins Exception BaseException ArithmeticError AssertionError AttributeError IndexError LookupError NotImplementedError OSError OverflowError ZeroDivisionError ValueError TypeError KeyError RuntimeError StopIteration Warning RuntimeWarning UserWarning FutureWarning DeprecationWarning
guarded _codecs encode
call copyreg _reconstructor
both collections OrderedDict defaultdict Counter deque ChainMap UserDict UserList
both datetime datetime date time timedelta timezone tzinfo
both decimal Decimal
both fractions Fraction
both uuid UUID SafeUUID
both pathlib Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath
both pathlib._local Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath
both argparse Namespace
both types SimpleNamespace
value types NoneType
guarded functools partial
value typing Any Union Optional List Dict Tuple
value math sqrt exp log log2 log10 sin cos tan tanh floor ceil isnan
value operator add sub mul truediv neg
both array array
call array _array_reconstructor
class random Random
guarded builtins getattr
both collections UserString
both zoneinfo ZoneInfo
call pytz _UTC
`;
