"""The multiply-adds of decompositions, solvers and Fourier transforms, by the formulas of textbooks.

What an implementation does is not to be seen from shapes: iterations converge, and libraries choose
their algorithms. These formulas say what the textbook's algorithm does, and rows say "formula".

Sources, whose counts of operations are halved, for one multiply-add is two of them: Golub and Van
Loan, Matrix Computations, 4th edition (GVL); Blackford and Dongarra, LAPACK Working Note 41 (LAWN);
Frigo and Johnson, The Design and Implementation of FFTW3, 2005 (FFTW).
"""

import math
from collections.abc import Callable
from fractions import Fraction

import torch

from benchcli.cost.arguments import Arguments

Count = Fraction | int
Formula = Callable[[Arguments, torch.Tensor], Count]

THIRD, HALF = Fraction(1, 3), Fraction(1, 2)


def lu(rows: int, columns: int) -> Count:
    """Gaussian elimination (GVL 3.2): for a square matrix n^3/3."""
    short, long = sorted((rows, columns))
    return short**2 * (HALF * long - THIRD * HALF * short)


def qr(rows: int, columns: int) -> Count:
    """Householder's R, and the reflectors of Q (GVL 5.2): for a square matrix 2n^3/3."""
    short, long = sorted((rows, columns))
    return short**2 * (long - THIRD * short)


def reflected(rows: int, columns: int, reflectors: int) -> Count:
    """The first columns of a product of reflectors (LAWN, ORGQR)."""
    return 2 * rows * columns * reflectors - (rows + columns) * reflectors**2 + 2 * THIRD * reflectors**3


def svd(rows: int, columns: int, vectors: bool, full: bool) -> Count:
    """Golub and Reinsch's algorithm (GVL 8.6): values alone, thin vectors, or full ones."""
    short, long = sorted((rows, columns))
    if not vectors:
        return 2 * short**2 * (long - THIRD * short)
    if full:
        return 2 * long**2 * short + 4 * long * short**2 + 9 * HALF * short**3
    return 7 * long * short**2 + 4 * short**3


def symmetric(size: int, vectors: bool) -> Count:
    """The symmetric QR algorithm (GVL 8.3)."""
    return size**3 * (9 * HALF if vectors else 2 * THIRD)


def least_squares(rows: int, columns: int, sides: int) -> Count:
    """Householder's factors, applied to each right-hand side, and substitution (GVL 5.3)."""
    short, long = sorted((rows, columns))
    return qr(rows, columns) + sides * (2 * short * long - HALF * short**2)


def transform(points: int, is_real: bool) -> float:
    """5 N log2 N operations, and half of them where one side is real (FFTW); a multiply-add is two."""
    return (1.25 if is_real else 2.5) * points * math.log2(points) if points else 0


def _matrix(name: str = "A") -> Callable[[Arguments], tuple[int, int, int]]:
    """Return a function that gives the batch, the rows and the columns of an argument."""

    def sizes(arguments: Arguments) -> tuple[int, int, int]:
        matrix = arguments.get(name, arguments.get("self", arguments.get("input")))
        return math.prod(matrix.shape[:-2]), int(matrix.shape[-2]), int(matrix.shape[-1])

    return sizes


def _of_matrix(formula: Callable[[int, int], Count]) -> Formula:
    """Return the formula of an operator on matrices, from their rows and columns."""

    def count(arguments: Arguments, _output: torch.Tensor) -> Count:
        batch, rows, columns = _matrix()(arguments)
        return batch * formula(rows, columns)

    return count


def _substitutions(number: int, factors: str) -> Formula:
    """Return the formula of substitution in so many triangular factors: n^2/2 for each right-hand side."""
    return lambda arguments, output: HALF * number * output.numel() * int(arguments[factors].shape[-1])


def _solve(arguments: Arguments, output: torch.Tensor) -> Count:
    """The factors of each matrix, and both substitutions."""
    batch, size, _ = _matrix()(arguments)
    return batch * lu(size, size) + output.numel() * size


def _qr(arguments: Arguments, _output: torch.Tensor) -> Count:
    batch, rows, columns = _matrix()(arguments)
    mode, short = arguments.get("mode", "reduced"), min(rows, columns)
    formed = 0 if mode == "r" else reflected(rows, rows if mode == "complete" else short, short)
    return batch * (qr(rows, columns) + formed)


def _reflected(arguments: Arguments, _output: torch.Tensor) -> Count:
    batch, rows, columns = _matrix("input")(arguments)
    return batch * reflected(rows, columns, arguments["tau"].shape[-1])


def _reflecting(arguments: Arguments, _output: torch.Tensor) -> Count:
    """Reflectors that are applied to a matrix from the left or from the right (LAWN, ORMQR)."""
    batch, rows, columns = _matrix("input3")(arguments)
    length, others = (rows, columns) if arguments["left"] else (columns, rows)
    reflectors = int(arguments["input2"].shape[-1])
    return batch * others * (2 * length * reflectors - reflectors**2)


def _svd(arguments: Arguments, _output: torch.Tensor) -> Count:
    batch, rows, columns = _matrix()(arguments)
    full, vectors = arguments.get("full_matrices", False), arguments.get("compute_uv", True)
    return batch * svd(rows, columns, vectors, full)


def _eigh(arguments: Arguments, _output: torch.Tensor) -> Count:
    batch, size, _ = _matrix()(arguments)
    return batch * symmetric(size, arguments.get("compute_v", True))


def _lstsq(arguments: Arguments, _output: torch.Tensor) -> Count:
    batch, rows, columns = _matrix("self")(arguments)
    sides = arguments["b"]
    return batch * least_squares(rows, columns, sides.shape[-1] if sides.dim() > 1 else 1)


def _pinv(arguments: Arguments, _output: torch.Tensor) -> Count:
    """A thin decomposition, and the product of its vectors."""
    batch, rows, columns = _matrix("self")(arguments)
    short = min(rows, columns)
    vectors = symmetric(rows, True) if arguments.get("hermitian") else svd(rows, columns, True, False)
    return batch * (vectors + rows * columns * short)


def _transformed(is_real: bool) -> Callable[[Arguments, torch.Tensor], float]:
    """Return the formula of a transform of several dimensions, whose points are those of the longer side."""

    def count(arguments: Arguments, output: torch.Tensor) -> float:
        source, dims = arguments["self"], arguments["dim"]
        longer = max(source, output, key=torch.Tensor.numel) if is_real else source
        points = math.prod(longer.shape[each] for each in dims)
        return longer.numel() / points * transform(points, is_real) if points else 0

    return count


_FACTORS = ("linalg_lu", "linalg_lu_factor_ex", "_linalg_det", "_linalg_slogdet")

MATRIX_FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(_FACTORS, _of_matrix(lu)),
    "_linalg_solve_ex": _solve,
    "linalg_inv_ex": _of_matrix(lambda size, _: size**3),
    **dict.fromkeys(("linalg_cholesky_ex", "cholesky"), _of_matrix(lambda size, _: THIRD * HALF * size**3)),
    "cholesky_inverse": _of_matrix(lambda size, _: THIRD * size**3),
    "linalg_ldl_factor_ex": _of_matrix(lambda size, _: THIRD * HALF * size**3),
    "linalg_ldl_solve": _substitutions(2, "LD"),
    "linalg_lu_solve": _substitutions(2, "LU"),
    "cholesky_solve": _substitutions(2, "input2"),
    "linalg_solve_triangular": _substitutions(1, "self"),
    "triangular_solve": _substitutions(1, "A"),
    "linalg_qr": _qr,
    "geqrf": _of_matrix(qr),
    "linalg_householder_product": _reflected,
    "ormqr": _reflecting,
    "_linalg_svd": _svd,
    "_linalg_eigh": _eigh,
    "linalg_eig": _of_matrix(lambda size, _: 25 * HALF * size**3),
    "_linalg_eigvals": _of_matrix(lambda size, _: 5 * size**3),
    "linalg_lstsq": _lstsq,
    "linalg_pinv": _pinv,
    "linalg_matrix_exp": _of_matrix(lambda size, _: 5 * size**3),
}
"""Multiply-adds of the matrices' own kind, by the names of operators; complex ones count as four real ones.

Eigenvalues of a general matrix: GVL 7.5. The exponential: the polynomial of degree 18 in five
products (Bader, Blanes and Casas, 2019), which torch uses, without the squarings that values ask for.
"""
TRANSFORM_FORMULAS: dict[str, Callable[[Arguments, torch.Tensor], float]] = {
    "_fft_c2c": _transformed(is_real=False),
    **dict.fromkeys(("_fft_r2c", "_fft_c2r"), _transformed(is_real=True)),
}
"""Real multiply-adds of Fourier transforms, by the names of operators."""
FORMULAS = MATRIX_FORMULAS.keys() | TRANSFORM_FORMULAS.keys()
"""The operators whose multiply-adds are a formula's."""
