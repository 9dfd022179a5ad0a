"""The messages and methods of the Open Inference Protocol's gRPC form, as Triton and KServe have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.serve.grpc.descriptors import file_of

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

__all__ = ["CONTENTS", "NOT_OFFERED", "SERVICE", "protocol_file"]

SERVICE = "inference.GRPCInferenceService"

CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
"""The field of ``InferTensorContents`` with the elements of a datatype; FP16 and BF16 have none."""

NOT_OFFERED = (
    "ModelConfig", "RepositoryModelLoad", "RepositoryModelUnload", "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister", "SystemSharedMemoryUnregister", "CudaSharedMemoryStatus", "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister", "TraceSetting", "LogSettings",
)  # fmt: skip
"""The methods of Triton's that have no meaning here: one model is served, from a package that says all about it."""

_MESSAGES = """
    ServerLiveRequest:
    ServerLiveResponse: 1 bool live
    ServerReadyRequest:
    ServerReadyResponse: 1 bool ready
    ModelReadyRequest: 1 string name, 2 string version
    ModelReadyResponse: 1 bool ready
    ServerMetadataRequest:
    ServerMetadataResponse: 1 string name, 2 string version, 3 string* extensions
    ModelMetadataRequest: 1 string name, 2 string version
    ModelMetadataResponse: 1 string name, 2 string* versions, 3 string platform, \
4 ModelMetadataResponse.TensorMetadata* inputs, 5 ModelMetadataResponse.TensorMetadata* outputs, 6 string^ properties
    ModelMetadataResponse.TensorMetadata: 1 string name, 2 string datatype, 3 int64* shape
    InferParameter: 1 bool| bool_param, 2 int64| int64_param, 3 string| string_param, 4 double| double_param, \
5 uint64| uint64_param
    InferTensorContents: 1 bool* bool_contents, 2 int32* int_contents, 3 int64* int64_contents, \
4 uint32* uint_contents, 5 uint64* uint64_contents, 6 float* fp32_contents, 7 double* fp64_contents, \
8 bytes* bytes_contents
    ModelInferRequest: 1 string model_name, 2 string model_version, 3 string id, 4 InferParameter^ parameters, \
5 ModelInferRequest.InferInputTensor* inputs, 6 ModelInferRequest.InferRequestedOutputTensor* outputs, \
7 bytes* raw_input_contents
    ModelInferRequest.InferInputTensor: 1 string name, 2 string datatype, 3 int64* shape, \
4 InferParameter^ parameters, 5 InferTensorContents contents
    ModelInferRequest.InferRequestedOutputTensor: 1 string name, 2 InferParameter^ parameters
    ModelInferResponse: 1 string model_name, 2 string model_version, 3 string id, 4 InferParameter^ parameters, \
5 ModelInferResponse.InferOutputTensor* outputs, 6 bytes* raw_output_contents
    ModelInferResponse.InferOutputTensor: 1 string name, 2 string datatype, 3 int64* shape, \
4 InferParameter^ parameters, 5 InferTensorContents contents
    ModelStreamInferResponse: 1 string error_message, 2 ModelInferResponse infer_response
    RepositoryIndexRequest: 1 string repository_name, 2 bool ready
    RepositoryIndexResponse: 1 RepositoryIndexResponse.ModelIndex* models
    RepositoryIndexResponse.ModelIndex: 1 string name, 2 string version, 3 string state, 4 string reason
    ModelStatisticsRequest: 1 string name, 2 string version
    StatisticDuration: 1 uint64 count, 2 uint64 ns
    InferStatistics: 1 StatisticDuration success, 2 StatisticDuration fail
    ModelStatistics: 1 string name, 2 string version, 3 uint64 last_inference, 4 uint64 inference_count, \
5 uint64 execution_count, 6 InferStatistics inference_stats
    ModelStatisticsResponse: 1 ModelStatistics* model_stats
"""
_METHODS = (
    *(
        f"{name} {name}Request {name}Response"
        for name in (
            "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer",
            "RepositoryIndex", "ModelStatistics",
        )
    ),
    "ModelStreamInfer ~ModelInferRequest ~ModelStreamInferResponse",
)  # fmt: skip


def protocol_file() -> FileDescriptorProto:
    """Return the descriptor of the protocol's file."""
    package, _, service = SERVICE.rpartition(".")
    return file_of("grpc_service.proto", package, _MESSAGES, service, _METHODS)
