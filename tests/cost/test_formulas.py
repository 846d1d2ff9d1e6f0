"""The multiply-adds of decompositions, solvers and Fourier transforms, against integers worked by hand."""

import pytest
import torch
from torch import nn

from benchcli.cost.count import count, walk
from benchcli.schema import FORMULA, SHAPES
from tests.cost.networks import apply

EYE = torch.eye
LINALG = torch.linalg
FFT = torch.fft
Case = tuple[nn.Module, tuple[int, ...], int]

# n = 6 divides all thirds and halves: n^3 = 216.
MATRICES: dict[str, Case] = {
    "lu": (apply(LINALG.lu), (6, 6), 216 // 3),
    "lu, tall": (apply(LINALG.lu), (9, 6), 36 * 9 // 2 - 216 // 6),
    "lu, wide": (apply(LINALG.lu), (6, 9), 36 * 9 // 2 - 216 // 6),
    "lu_factor": (apply(LINALG.lu_factor), (5, 6, 6), 5 * 72),
    "det": (apply(LINALG.det), (5, 6, 6), 5 * 72),
    "slogdet": (apply(LINALG.slogdet), (6, 6), 72),
    "solve": (apply(lambda x: LINALG.solve(x, x[:, :2])), (6, 6), 72 + 36 * 2),
    "solve, one vector": (apply(lambda x: LINALG.solve(x, x[0])), (6, 6), 72 + 36),
    "solve, from the right": (apply(lambda x: LINALG.solve(x, x[:2], left=False)), (6, 6), 72 + 36 * 2),
    "lu_solve": (apply(lambda x: LINALG.lu_solve(*LINALG.lu_factor(x), x[:, :2])), (6, 6), 72 + 36 * 2),
    "inv": (apply(LINALG.inv), (3, 6, 6), 3 * 216),
    "cholesky": (apply(LINALG.cholesky), (3, 6, 6), 3 * 36),
    "cholesky_solve": (apply(lambda x: torch.cholesky_solve(x[:, :2], x)), (6, 6), 36 * 2),
    "cholesky_inverse": (apply(torch.cholesky_inverse), (6, 6), 72),
    "ldl": (apply(lambda x: LINALG.ldl_solve(*LINALG.ldl_factor(x), x[:, :2])), (6, 6), 36 + 36 * 2),
    "solve_triangular": (apply(lambda x: LINALG.solve_triangular(x, x[:, :2], upper=True)), (6, 6), 36),
    "triangular_solve": (apply(lambda x: torch.triangular_solve(x[:, :2], x)[0]), (6, 6), 36),
    "qr": (apply(LINALG.qr), (9, 6), 2 * (36 * 9 - 72)),
    "qr, r only": (apply(lambda x: LINALG.qr(x, mode="r")), (9, 6), 36 * 9 - 72),
    "qr, complete": (
        apply(lambda x: LINALG.qr(x, mode="complete")), (9, 6), 36 * 9 - 72 + 2 * 9 * 9 * 6 - 18 * 36 + 144,
    ),
    "householder_product": (apply(lambda x: LINALG.householder_product(*torch.geqrf(x))), (9, 6), 2 * (36 * 9 - 72)),
    "ormqr": (apply(lambda x: torch.ormqr(x, x[0], x[:, :2])), (6, 6), 2 * (2 * 6 * 6 - 36)),
    "svd, full": (apply(LINALG.svd), (9, 6), 2 * 81 * 6 + 4 * 9 * 36 + 9 * 216 // 2),
    "svd, thin": (apply(lambda x: LINALG.svd(x, full_matrices=False)), (9, 6), 7 * 9 * 36 + 4 * 216),
    "svd, wide": (apply(lambda x: LINALG.svd(x, full_matrices=False)), (2, 6, 9), 2 * (7 * 9 * 36 + 4 * 216)),
    "eigh": (apply(LINALG.eigh), (6, 6), 9 * 216 // 2),
    "svdvals": (apply(lambda x: LINALG.svdvals(x)), (9, 6), 2 * 9 * 36 - 2 * 216 // 3),
    "eigvalsh": (apply(lambda x: LINALG.eigvalsh(x)), (6, 6), 2 * 216 // 3),
    "eigvalsh, upper": (apply(lambda x: LINALG.eigvalsh(x, UPLO="U")), (6, 6), 2 * 216 // 3),
    "eigvals": (apply(lambda x: LINALG.eigvals(x)), (2, 6, 6), 2 * 5 * 216),
    "spectral norm": (apply(lambda x: LINALG.matrix_norm(x, 2)), (9, 6), 2 * 9 * 36 - 2 * 216 // 3),
    "nuclear norm": (apply(lambda x: LINALG.norm(x, "nuc")), (9, 6), 2 * 9 * 36 - 2 * 216 // 3),
    "cond": (apply(lambda x: LINALG.cond(x)), (9, 6), 2 * 9 * 36 - 2 * 216 // 3),
    "rank": (apply(lambda x: LINALG.matrix_rank(x)), (9, 6), 2 * 9 * 36 - 2 * 216 // 3),
    "values of svd": (apply(lambda x: LINALG.svd(x, full_matrices=False).S), (9, 6), 7 * 9 * 36 + 4 * 216),
    "eig": (apply(LINALG.eig), (6, 6), 25 * 216 // 2),
    "lstsq": (apply(lambda x: LINALG.lstsq(x, x[:, :2])), (9, 6), 36 * 9 - 72 + 2 * (2 * 6 * 9 - 18)),
    "pinv": (apply(LINALG.pinv), (9, 6), 7 * 9 * 36 + 4 * 216 + 9 * 6 * 6),
    "pinv, hermitian": (apply(lambda x: LINALG.pinv(x, hermitian=True)), (6, 6), 9 * 216 // 2 + 216),
    "matrix_exp": (apply(LINALG.matrix_exp), (2, 6, 6), 2 * 5 * 216),
    "matrix_power": (apply(lambda x: LINALG.matrix_power(x, 4)), (6, 6), 2 * 216),
}  # fmt: skip
TRANSFORMS: dict[str, Case] = {
    "rfft": (apply(FFT.rfft), (3, 16), 3 * 5 * 16 * 4 // 4),
    "fft of real numbers": (apply(FFT.fft), (3, 16), 3 * 5 * 16 * 4 // 4),
    "irfft": (apply(lambda x: FFT.irfft(torch.complex(x, x))), (3, 9), 3 * 5 * 16 * 4 // 4),
    "fft": (apply(lambda x: FFT.fft(torch.complex(x, x))), (3, 16), 3 * 5 * 16 * 4 // 2),
    "ifft, padded": (apply(lambda x: FFT.ifft(torch.complex(x, x), n=32)), (3, 16), 3 * 5 * 32 * 5 // 2),
    "fft2": (apply(lambda x: FFT.fft2(torch.complex(x, x))), (3, 8, 16), 3 * 5 * 128 * 7 // 2),
    "rfft2": (apply(FFT.rfft2), (3, 8, 16), 3 * 5 * 128 * 7 // 4),
    "irfft2": (apply(lambda x: FFT.irfft2(torch.complex(x, x))), (3, 8, 9), 3 * 5 * 128 * 7 // 4),
    "fft of a first dimension": (apply(lambda x: FFT.fft(torch.complex(x, x), dim=0)), (16, 3), 3 * 5 * 16 * 4 // 2),
    "one point": (apply(FFT.rfft), (3, 1), 0),
    "no power of two": (apply(FFT.rfft), (7, 12), round(7 * 1.25 * 12 * 3.584962500721156)),
    "stft": (
        apply(lambda x: torch.stft(x, 16, return_complex=True, window=torch.ones(16), center=False)),
        (64,),
        13 * 5 * 16 * 4 // 4,
    ),
}


@pytest.mark.filterwarnings("ignore:torch.triangular_solve")
@pytest.mark.parametrize("name", [*MATRICES, *TRANSFORMS])
def test_formulas_are_those_worked_by_hand(name: str) -> None:
    network, shape, expected = {**MATRICES, **TRANSFORMS}[name]
    inputs = EYE(*shape[-2:]).expand(shape).clone() if name in MATRICES else torch.ones(shape)
    costs = count(network, inputs)
    assert (costs.flops, costs.unknown) == (expected, ())


def test_complex_matrices_take_four_real_multiply_adds_for_each() -> None:
    network = apply(lambda x: LINALG.solve(x, x[:, :2]))
    assert count(network, EYE(6, dtype=torch.complex64)).flops == 4 * (72 + 36 * 2)


def test_what_is_computed_of_real_numbers_is_not_complex_for_its_result() -> None:
    assert count(apply(LINALG.eig), EYE(6)).flops == 25 * 216 // 2


def test_rows_say_that_a_formula_is_one() -> None:
    walked = walk(apply(lambda x: LINALG.inv(x) @ x), EYE(4))
    assert [(call.operator, call.basis) for call in walked.calls] == [
        ("aten.linalg_inv_ex.default", FORMULA),
        ("aten.mm.default", SHAPES),
    ]
    assert count(apply(lambda x: LINALG.inv(x) @ x), EYE(4)).formulas == ("aten.linalg_inv_ex.default",)
    assert count(apply(lambda x: x @ x), EYE(4)).formulas == ()


@pytest.mark.parametrize("name", ["svdvals", "eigvals", "eigvalsh", "cond"])
def test_values_alone_are_those_that_torch_computes(name: str) -> None:
    matrix, found = torch.arange(36.0).reshape(6, 6) + EYE(6), []
    count(apply(lambda x: found.append(getattr(LINALG, name)(x)) or x), matrix)  # type: ignore[func-returns-value]
    torch.testing.assert_close(found[0], getattr(LINALG, name)(matrix))


def test_values_alone_write_no_vectors() -> None:
    (call,) = walk(apply(lambda x: LINALG.svdvals(x)), EYE(6)).calls  # as networks look it up
    assert call.mac_bytes == 4 * (36 + 6)
