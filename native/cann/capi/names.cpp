// Names, sizes and kinds of the documented dtypes and formats.
#include <algorithm>
#include <iterator>

#include "handles.hpp"

namespace bcelogits::capi {

namespace {

struct DataTypeInfo {
  aclDataType dtype;
  const char* name;
  int bytes;  // 0: none, or smaller than a byte
  ElementType element = ElementType::Other;
};

constexpr DataTypeInfo of(aclDataType dtype, ElementType e) { return {dtype, info(e).name, info(e).bytes, e}; }

constexpr DataTypeInfo kDataTypes[] = {
    of(ACL_FLOAT, ElementType::F32),
    of(ACL_FLOAT16, ElementType::F16),
    of(ACL_BF16, ElementType::BF16),
    of(ACL_DOUBLE, ElementType::F64),
    of(ACL_BOOL, ElementType::Bool),
    of(ACL_UINT8, ElementType::U8),
    of(ACL_INT8, ElementType::I8),
    of(ACL_INT16, ElementType::I16),
    of(ACL_INT32, ElementType::I32),
    of(ACL_INT64, ElementType::I64),
    {ACL_UINT16, "uint16", 2},
    {ACL_UINT32, "uint32", 4},
    {ACL_UINT64, "uint64", 8},
    {ACL_COMPLEX32, "complex32", 4},
    {ACL_COMPLEX64, "complex64", 8},
    {ACL_COMPLEX128, "complex128", 16},
    {ACL_HIFLOAT8, "hifloat8", 1},
    {ACL_FLOAT8_E5M2, "float8_e5m2", 1},
    {ACL_FLOAT8_E4M3FN, "float8_e4m3fn", 1},
    {ACL_FLOAT8_E8M0, "float8_e8m0", 1},
    {ACL_FLOAT6_E3M2, "float6_e3m2", 0},
    {ACL_FLOAT6_E2M3, "float6_e2m3", 0},
    {ACL_FLOAT4_E2M1, "float4_e2m1", 0},
    {ACL_FLOAT4_E1M2, "float4_e1m2", 0},
    {ACL_INT4, "int4", 0},
    {ACL_UINT1, "uint1", 0},
    {ACL_STRING, "string", 0},
    {ACL_DT_UNDEFINED, "undefined", 0},
};

struct FormatInfo {
  aclFormat format;
  const char* name;
  bool strided = false;  // strides say where its elements are
};

constexpr FormatInfo kFormats[] = {
    {ACL_FORMAT_ND, "ND", true},
    {ACL_FORMAT_NCHW, "NCHW", true},
    {ACL_FORMAT_NHWC, "NHWC", true},
    {ACL_FORMAT_NC, "NC", true},
    {ACL_FORMAT_NCL, "NCL", true},
    {ACL_FORMAT_NCDHW, "NCDHW", true},
    {ACL_FORMAT_NDHWC, "NDHWC", true},
    {ACL_FORMAT_HWCN, "HWCN", true},
    {ACL_FORMAT_NC1HWC0, "NC1HWC0"},
    {ACL_FORMAT_NC1HWC0_C04, "NC1HWC0_C04"},
    {ACL_FORMAT_NDC1HWC0, "NDC1HWC0"},
    {ACL_FORMAT_FRACTAL_Z, "FRACTAL_Z"},
    {ACL_FRACTAL_Z_3D, "FRACTAL_Z_3D"},
    {ACL_FORMAT_FRACTAL_NZ, "FRACTAL_NZ"},
    {ACL_FORMAT_FRACTAL_NZ_C0_2, "FRACTAL_NZ_C0_2"},
    {ACL_FORMAT_FRACTAL_NZ_C0_4, "FRACTAL_NZ_C0_4"},
    {ACL_FORMAT_FRACTAL_NZ_C0_8, "FRACTAL_NZ_C0_8"},
    {ACL_FORMAT_FRACTAL_NZ_C0_16, "FRACTAL_NZ_C0_16"},
    {ACL_FORMAT_FRACTAL_NZ_C0_32, "FRACTAL_NZ_C0_32"},
    {ACL_FORMAT_UNDEFINED, "undefined"},
};

const DataTypeInfo* find(aclDataType dtype) {
  const auto* row = std::ranges::find(kDataTypes, dtype, &DataTypeInfo::dtype);
  return row == std::end(kDataTypes) ? nullptr : row;
}

const FormatInfo* find(aclFormat format) {
  const auto* row = std::ranges::find(kFormats, format, &FormatInfo::format);
  return row == std::end(kFormats) ? nullptr : row;
}

}  // namespace

const char* name_of(aclDataType dtype) {
  const DataTypeInfo* row = find(dtype);
  return row ? row->name : nullptr;
}

std::size_t bytes_of(aclDataType dtype) {
  const DataTypeInfo* row = find(dtype);
  return row ? static_cast<std::size_t>(row->bytes) : 0;
}

ElementType element_of(aclDataType dtype) {
  const DataTypeInfo* row = find(dtype);
  return row ? row->element : ElementType::Other;
}

const char* name_of(aclFormat format) {
  const FormatInfo* row = find(format);
  return row ? row->name : nullptr;
}

bool is_strided(aclFormat format) {
  const FormatInfo* row = find(format);
  return row && row->strided;
}

}  // namespace bcelogits::capi
