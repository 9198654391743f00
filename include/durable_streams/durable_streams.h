// The whole library in one include, but for the HTTP endpoint (<durable_streams/http/endpoint.h>)
// and the libuv adapter.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/engine.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>
#include <durable_streams/function.h>
#include <durable_streams/manual_loop.h>
#include <durable_streams/memory_store.h>
#include <durable_streams/offset.h>
#include <durable_streams/result.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>
#include <durable_streams/streams.h>
#include <durable_streams/thread_loop.h>
#include <durable_streams/version.h>
