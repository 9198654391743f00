// The visibility of the library's symbols: everything is hidden but what carries this macro.
#pragma once

#if defined(DURABLE_STREAMS_SHARED)
#if defined(_WIN32)
#if defined(DURABLE_STREAMS_BUILDING)
#define DURABLE_STREAMS_EXPORT __declspec(dllexport)
#else
#define DURABLE_STREAMS_EXPORT __declspec(dllimport)
#endif
#else
#define DURABLE_STREAMS_EXPORT __attribute__((visibility("default")))
#endif
#else
#define DURABLE_STREAMS_EXPORT
#endif
