"""What oneDNN and MKL print of their kernels is read, in each of their versions' formats."""

import pytest

from benchcli.backends.devices.verbose_lines import kernels_in

V3 = """\
onednn_verbose,v1,info,oneDNN v3.12.0 (commit 80afa71049cd69a3df32adcccb623b12cd7baa22)
onednn_verbose,v1,info,cpu,runtime:OpenMP,nthr:1
onednn_verbose,v1,primitive,info,template:operation,engine,primitive,implementation,prop_kind,memory_descriptors,attributes,auxiliary,problem_desc,exec_time
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:abcd::f0 dst:f32::blocked:aBcd8b::f0,attr-scratchpad:user,,1x64x28x28,0.026123
onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,src:f32:a:blocked:aBcd8b::f0 wei:f32:a:blocked:aBCde8c8b::f0 bia:f32:a:blocked:a::f0 dst:f32:a:blocked:aBcd8b::f0,attr-scratchpad:user,alg:convolution_direct,g8mb1_ic64oc64_ih28oh28kh3sh1dh0ph1_iw28ow28kw3sw1dw0pw1,0.194824
onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv_1x1:avx10_1_512_amx,forward_training,src:bf16:a:blocked:acdb::f0,attr-scratchpad:user,alg:convolution_direct,mb1_ic64oc64,0.0180664
"""  # noqa: E501  as it was printed
V2 = """\
onednn_verbose,info,oneDNN v2.7.3 (commit 6dbeffbae1f23cbbeae17adb7b5b13f1f37c080e)
onednn_verbose,exec,cpu,convolution,gemm:ref,forward_inference,src_f32::blocked:abcd:f0,,alg:convolution_direct,mb1_ic3oc8,1.5
dnnl_verbose,exec,cpu,matmul,gemm:jit,undef,src_f32::blocked:ab:f0,,,8x64:64x128:8x128,2e-2
"""
TIMED = "onednn_verbose,v1,1716469379.3541,primitive,exec,cpu,softmax,jit:avx512_core,forward_inference,,,,1x9,0.25\n"
MKL = """\
MKL_VERBOSE oneMKL 2024.0 Update 2 Product build 20240605 for Intel(R) 64 architecture Lnx 2.10GHz lp64 gnu_thread
MKL_VERBOSE SGEMM(N,N,784,64,64,0x7ffeb2f23130,0x55ff23878e00,784) 144.22us CNR:OFF Dyn:0 FastMM:1 TID:0  NThr:1
MKL_VERBOSE DGEMM(T,N,1000,8,64) 1.5ms CNR:OFF Dyn:0 FastMM:1 TID:0  NThr:1
"""


@pytest.mark.parametrize(
    ("text", "kernels"),
    [
        (
            V3,
            [
                ("reorder", "jit:blk", 26.123e-6),
                ("convolution", "jit:avx512_core", 194.824e-6),
                ("convolution", "brgconv_1x1:avx10_1_512_amx", 18.0664e-6),
            ],
        ),
        (V2, [("convolution", "gemm:ref", 1.5e-3), ("matmul", "gemm:jit", 2e-5)]),
        (TIMED, [("softmax", "jit:avx512_core", 0.25e-3)]),
        (MKL, [("sgemm", "mkl", 144.22e-6), ("dgemm", "mkl", 1.5e-3)]),
        (
            "printed by the network " + TIMED + MKL,
            [("softmax", "jit:avx512_core", 0.25e-3), ("sgemm", "mkl", 144.22e-6), ("dgemm", "mkl", 1.5e-3)],
        ),
        ("onednn_verbose,v1,graph,exec,cpu,100002,convolution_post_ops,conv;relu,,,,,dnnl_backend,0.5\n", []),
        ("onednn_verbose,v1,primitive,create:cache_hit,cpu,reorder,jit:uni,undef,,,,24x3,0.5\n", []),
        ("onednn_verbose,v1,primitive,exec,cpu,convo", []),
        ("I print exec,cpu,reorder,jit:uni,,24x3,0.5\n", []),
        ("", []),
    ],
)
def test_the_kernels_in_what_a_library_prints(text: str, kernels: list[tuple[str, str, float]]) -> None:
    found = list(kernels_in(text))
    assert [each[:2] for each in found] == [each[:2] for each in kernels]
    assert [each.seconds for each in found] == pytest.approx([each[2] for each in kernels])
