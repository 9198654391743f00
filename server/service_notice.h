// Tells the service manager that has started this process how it stands (sd_notify(3)).
#pragma once

#include <string_view>

namespace durable_streams::server {

// `READY=1`, `RELOADING=1`, `STOPPING=1`. Without a manager that wants to know it does nothing.
// Threads: any.
void notify_service_manager(std::string_view state);

}  // namespace durable_streams::server
