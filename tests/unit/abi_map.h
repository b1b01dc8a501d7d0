/* Where every field of every public struct lies, on 64-bit Linux. A line here never changes within one
 * soname: programs are compiled against it. Structs that begin with their size may grow at their end: then
 * their SIZE changes, and lines are added. SPDX-License-Identifier: Apache-2.0 */
#define ABI_MAP(SIZE, AT) \
    SIZE(bp_bytes, 16) \
    AT(bp_bytes, data, 0) \
    AT(bp_bytes, size, 8) \
    SIZE(bp_wit_file, 24) \
    AT(bp_wit_file, name, 0) \
    AT(bp_wit_file, text, 8) \
    SIZE(bp_wit, 32) \
    AT(bp_wit, size, 0) \
    AT(bp_wit, files, 8) \
    AT(bp_wit, file_count, 16) \
    AT(bp_wit, world, 24) \
    SIZE(bp_error, 524) \
    AT(bp_error, status, 0) \
    AT(bp_error, os_errno, 4) \
    AT(bp_error, host_code, 8) \
    AT(bp_error, message, 12) \
    SIZE(bp_host_value, 16) \
    SIZE(bp_host_call, 88) \
    AT(bp_host_call, size, 0) \
    AT(bp_host_call, data, 8) \
    AT(bp_host_call, function, 16) \
    AT(bp_host_call, plugin, 24) \
    AT(bp_host_call, tenant, 32) \
    AT(bp_host_call, call_id, 48) \
    AT(bp_host_call, context, 56) \
    AT(bp_host_call, by, 64) \
    AT(bp_host_call, cancel, 72) \
    AT(bp_host_call, private_, 80) \
    SIZE(bp_host_function, 56) \
    AT(bp_host_function, size, 0) \
    AT(bp_host_function, module, 8) \
    AT(bp_host_function, name, 16) \
    AT(bp_host_function, signature, 24) \
    AT(bp_host_function, call, 32) \
    AT(bp_host_function, data, 40) \
    AT(bp_host_function, free_data, 48) \
    SIZE(bp_lease, 32) \
    AT(bp_lease, pool, 0) \
    AT(bp_lease, slot, 8) \
    AT(bp_lease, stamp, 16) \
    AT(bp_lease, unfinished, 24) \
    AT(bp_lease, waited, 28) \
    SIZE(bp_limits, 120) \
    AT(bp_limits, memory_bytes, 0) \
    AT(bp_limits, table_elements, 8) \
    AT(bp_limits, time_ms, 16) \
    AT(bp_limits, init_time_ms, 24) \
    AT(bp_limits, input_bytes, 32) \
    AT(bp_limits, output_bytes, 40) \
    AT(bp_limits, log_bytes, 48) \
    AT(bp_limits, host_calls, 56) \
    AT(bp_limits, var_bytes, 64) \
    AT(bp_limits, fuel, 72) \
    AT(bp_limits, trap_on_grow_failure, 80) \
    AT(bp_limits, reserved_, 88) \
    SIZE(bp_config_entry, 16) \
    AT(bp_config_entry, key, 0) \
    AT(bp_config_entry, value, 8) \
    SIZE(bp_env_entry, 16) \
    AT(bp_env_entry, name, 0) \
    AT(bp_env_entry, value, 8) \
    SIZE(bp_plugin_options, 288) \
    AT(bp_plugin_options, size, 0) \
    AT(bp_plugin_options, reset, 4) \
    AT(bp_plugin_options, name, 8) \
    AT(bp_plugin_options, wasi, 16) \
    AT(bp_plugin_options, prewarm_background, 17) \
    AT(bp_plugin_options, debug_info, 18) \
    AT(bp_plugin_options, trusted, 19) \
    AT(bp_plugin_options, max_live, 20) \
    AT(bp_plugin_options, min_warm, 24) \
    AT(bp_plugin_options, max_uses, 32) \
    AT(bp_plugin_options, idle_ttl_ms, 40) \
    AT(bp_plugin_options, limits, 48) \
    AT(bp_plugin_options, config, 168) \
    AT(bp_plugin_options, config_count, 176) \
    AT(bp_plugin_options, cancel, 184) \
    AT(bp_plugin_options, http_hosts, 192) \
    AT(bp_plugin_options, http_hosts_count, 200) \
    AT(bp_plugin_options, http_private_addresses, 208) \
    AT(bp_plugin_options, http_response_headers, 209) \
    AT(bp_plugin_options, http_request_bytes, 216) \
    AT(bp_plugin_options, http_response_bytes, 224) \
    AT(bp_plugin_options, http_ca_file, 232) \
    AT(bp_plugin_options, kv, 240) \
    AT(bp_plugin_options, files_dir, 248) \
    AT(bp_plugin_options, env, 256) \
    AT(bp_plugin_options, env_count, 264) \
    AT(bp_plugin_options, host_functions, 272) \
    SIZE(bp_plugin_info, 232) \
    AT(bp_plugin_info, size, 0) \
    AT(bp_plugin_info, reset, 4) \
    AT(bp_plugin_info, name, 8) \
    AT(bp_plugin_info, abi, 16) \
    AT(bp_plugin_info, sha256, 24) \
    AT(bp_plugin_info, code_bytes, 32) \
    AT(bp_plugin_info, compiled_bytes, 40) \
    AT(bp_plugin_info, max_live, 48) \
    AT(bp_plugin_info, min_warm, 52) \
    AT(bp_plugin_info, limits, 56) \
    AT(bp_plugin_info, exports, 176) \
    AT(bp_plugin_info, export_count, 184) \
    AT(bp_plugin_info, code_source, 192) \
    AT(bp_plugin_info, code_ns, 200) \
    AT(bp_plugin_info, version, 208) \
    AT(bp_plugin_info, description, 216) \
    AT(bp_plugin_info, default_export, 224) \
    SIZE(bp_runtime_options, 152) \
    AT(bp_runtime_options, size, 0) \
    AT(bp_runtime_options, sandboxes_max, 4) \
    AT(bp_runtime_options, memory_bytes_max, 8) \
    AT(bp_runtime_options, table_elements_max, 16) \
    AT(bp_runtime_options, stack_bytes, 24) \
    AT(bp_runtime_options, plugin_bytes_max, 32) \
    AT(bp_runtime_options, functions_max, 40) \
    AT(bp_runtime_options, tick_ms, 44) \
    AT(bp_runtime_options, helpers, 48) \
    AT(bp_runtime_options, log_level, 52) \
    AT(bp_runtime_options, log, 56) \
    AT(bp_runtime_options, log_data, 64) \
    AT(bp_runtime_options, core_dump_dir, 72) \
    AT(bp_runtime_options, compiled_max, 80) \
    AT(bp_runtime_options, signals, 84) \
    AT(bp_runtime_options, cache_dir, 88) \
    AT(bp_runtime_options, cache_bytes_max, 96) \
    AT(bp_runtime_options, compile_time_ms, 104) \
    AT(bp_runtime_options, compiler, 112) \
    AT(bp_runtime_options, helper_bytes_min, 120) \
    AT(bp_runtime_options, function_bytes_max, 128) \
    AT(bp_runtime_options, compile_memory_bytes, 136) \
    AT(bp_runtime_options, host_functions, 144) \
    SIZE(bp_runtime_info, 128) \
    AT(bp_runtime_info, size, 0) \
    AT(bp_runtime_info, sandboxes_max, 4) \
    AT(bp_runtime_info, memory_bytes_max, 8) \
    AT(bp_runtime_info, table_elements_max, 16) \
    AT(bp_runtime_info, stack_bytes, 24) \
    AT(bp_runtime_info, memory_reservation_bytes, 32) \
    AT(bp_runtime_info, tick_ms, 40) \
    AT(bp_runtime_info, cores, 44) \
    AT(bp_runtime_info, pagemap_scan, 48) \
    AT(bp_runtime_info, cache_memory_hits, 56) \
    AT(bp_runtime_info, cache_disk_hits, 64) \
    AT(bp_runtime_info, compiles, 72) \
    AT(bp_runtime_info, compile_failures, 80) \
    AT(bp_runtime_info, cache_bad_entries, 88) \
    AT(bp_runtime_info, compiled_kept, 96) \
    AT(bp_runtime_info, cache_dir, 104) \
    AT(bp_runtime_info, cache_problem, 112) \
    AT(bp_runtime_info, compiler, 120) \
    SIZE(bp_call, 96) \
    AT(bp_call, size, 0) \
    AT(bp_call, timeout_ms, 4) \
    AT(bp_call, by, 8) \
    AT(bp_call, export_name, 16) \
    AT(bp_call, input, 24) \
    AT(bp_call, tenant, 40) \
    AT(bp_call, context, 56) \
    AT(bp_call, cancel, 64) \
    AT(bp_call, limits, 72) \
    AT(bp_call, args, 80) \
    AT(bp_call, args_count, 88) \
    SIZE(bp_call_result, 112) \
    AT(bp_call_result, size, 0) \
    AT(bp_call_result, outcome, 4) \
    AT(bp_call_result, output, 8) \
    AT(bp_call_result, exit_code, 24) \
    AT(bp_call_result, trap_code, 28) \
    AT(bp_call_result, limit, 32) \
    AT(bp_call_result, message, 40) \
    AT(bp_call_result, backtrace, 48) \
    AT(bp_call_result, core_dump, 56) \
    AT(bp_call_result, call_id, 64) \
    AT(bp_call_result, wait_ns, 72) \
    AT(bp_call_result, guest_ns, 80) \
    AT(bp_call_result, host_calls, 88) \
    AT(bp_call_result, fuel, 96) \
    AT(bp_call_result, private_, 104) \
    SIZE(bp_pool_ops, 40) \
    AT(bp_pool_ops, size, 0) \
    AT(bp_pool_ops, create, 8) \
    AT(bp_pool_ops, reset, 16) \
    AT(bp_pool_ops, check, 24) \
    AT(bp_pool_ops, destroy, 32) \
    SIZE(bp_pool_options, 168) \
    AT(bp_pool_options, size, 0) \
    AT(bp_pool_options, name, 8) \
    AT(bp_pool_options, max_live, 16) \
    AT(bp_pool_options, min_warm, 20) \
    AT(bp_pool_options, take_timeout_ms, 24) \
    AT(bp_pool_options, create_timeout_ms, 32) \
    AT(bp_pool_options, reset_timeout_ms, 40) \
    AT(bp_pool_options, check_timeout_ms, 48) \
    AT(bp_pool_options, prewarm, 56) \
    AT(bp_pool_options, max_uses, 64) \
    AT(bp_pool_options, max_age_ms, 72) \
    AT(bp_pool_options, idle_ttl_ms, 80) \
    AT(bp_pool_options, check_interval_ms, 88) \
    AT(bp_pool_options, check_on_take, 96) \
    AT(bp_pool_options, reset_when, 100) \
    AT(bp_pool_options, idle_floor, 104) \
    AT(bp_pool_options, keeper, 112) \
    AT(bp_pool_options, max_waiters, 120) \
    AT(bp_pool_options, jitter_percent, 124) \
    AT(bp_pool_options, log, 128) \
    AT(bp_pool_options, log_data, 136) \
    AT(bp_pool_options, log_level, 144) \
    AT(bp_pool_options, budget, 152) \
    AT(bp_pool_options, grow_when_busy, 160) \
    SIZE(bp_pool_take_options, 48) \
    AT(bp_pool_take_options, size, 0) \
    AT(bp_pool_take_options, by, 8) \
    AT(bp_pool_take_options, key, 16) \
    AT(bp_pool_take_options, has_key, 32) \
    AT(bp_pool_take_options, try_only, 33) \
    AT(bp_pool_take_options, cancel, 40) \
    SIZE(bp_pool_histogram, 128) \
    AT(bp_pool_histogram, bucket, 0) \
    AT(bp_pool_histogram, count, 112) \
    AT(bp_pool_histogram, sum_ns, 120) \
    SIZE(bp_pool_stats, 872) \
    AT(bp_pool_stats, size, 0) \
    AT(bp_pool_stats, max_live, 4) \
    AT(bp_pool_stats, min_warm, 8) \
    AT(bp_pool_stats, live, 12) \
    AT(bp_pool_stats, idle, 16) \
    AT(bp_pool_stats, dirty, 20) \
    AT(bp_pool_stats, kept, 24) \
    AT(bp_pool_stats, in_use, 28) \
    AT(bp_pool_stats, busy, 32) \
    AT(bp_pool_stats, waiters, 36) \
    AT(bp_pool_stats, high_water, 40) \
    AT(bp_pool_stats, closed, 44) \
    AT(bp_pool_stats, takes, 48) \
    AT(bp_pool_stats, recycles, 176) \
    AT(bp_pool_stats, creates, 432) \
    AT(bp_pool_stats, create_failures, 440) \
    AT(bp_pool_stats, resets, 448) \
    AT(bp_pool_stats, resets_inline, 456) \
    AT(bp_pool_stats, detaches, 464) \
    AT(bp_pool_stats, lease_overdue, 472) \
    AT(bp_pool_stats, keeper_passes, 480) \
    AT(bp_pool_stats, take_wait, 488) \
    AT(bp_pool_stats, create_time, 616) \
    AT(bp_pool_stats, reset_time, 744) \
    SIZE(bp_pool_metric, 64) \
    AT(bp_pool_metric, name, 0) \
    AT(bp_pool_metric, unit, 8) \
    AT(bp_pool_metric, help, 16) \
    AT(bp_pool_metric, field, 24) \
    AT(bp_pool_metric, offset, 32) \
    AT(bp_pool_metric, kind, 40) \
    AT(bp_pool_metric, values, 44) \
    AT(bp_pool_metric, label, 48) \
    AT(bp_pool_metric, label_value, 56) \
    SIZE(bp_keeper_options, 40) \
    AT(bp_keeper_options, size, 0) \
    AT(bp_keeper_options, helpers, 4) \
    AT(bp_keeper_options, log, 8) \
    AT(bp_keeper_options, log_data, 16) \
    AT(bp_keeper_options, log_level, 24) \
    AT(bp_keeper_options, ignore_memory_pressure, 28) \
    AT(bp_keeper_options, stack_bytes, 32) \
    SIZE(bp_memory_source, 280) \
    AT(bp_memory_source, name, 0) \
    AT(bp_memory_source, path, 8) \
    AT(bp_memory_source, present, 264) \
    AT(bp_memory_source, pressure, 272) \
    SIZE(bp_cache_entry, 64) \
    AT(bp_cache_entry, size, 0) \
    AT(bp_cache_entry, usable, 4) \
    AT(bp_cache_entry, removed, 5) \
    AT(bp_cache_entry, file, 8) \
    AT(bp_cache_entry, sha256, 16) \
    AT(bp_cache_entry, engine, 24) \
    AT(bp_cache_entry, bytes, 32) \
    AT(bp_cache_entry, used_at, 40) \
    AT(bp_cache_entry, problem, 48) \
    AT(bp_cache_entry, bad, 56) \
    SIZE(bp_leak, 64) \
    AT(bp_leak, kind, 0) \
    AT(bp_leak, name, 8) \
    AT(bp_leak, index, 16) \
    AT(bp_leak, changed, 24) \
    AT(bp_leak, first, 32) \
    AT(bp_leak, size_before, 40) \
    AT(bp_leak, size_after, 48) \
    AT(bp_leak, text, 56) \
    SIZE(bp_metric, 40) \
    AT(bp_metric, name, 0) \
    AT(bp_metric, kind, 8) \
    AT(bp_metric, unit, 16) \
    AT(bp_metric, labels, 24) \
    AT(bp_metric, help, 32) \
    SIZE(bp_log_record, 48) \
    AT(bp_log_record, level, 0) \
    AT(bp_log_record, source, 8) \
    AT(bp_log_record, plugin, 16) \
    AT(bp_log_record, call_id, 24) \
    AT(bp_log_record, text, 32) \
    SIZE(bp_import_info, 32) \
    AT(bp_import_info, module, 0) \
    AT(bp_import_info, name, 8) \
    AT(bp_import_info, type, 16) \
    AT(bp_import_info, needs, 24) \
    SIZE(bp_export_info, 24) \
    AT(bp_export_info, name, 0) \
    AT(bp_export_info, type, 8) \
    AT(bp_export_info, callable, 16) \
    SIZE(bp_kv_limits, 32) \
    AT(bp_kv_limits, size, 0) \
    AT(bp_kv_limits, key_bytes_max, 4) \
    AT(bp_kv_limits, entries_max, 8) \
    AT(bp_kv_limits, value_bytes_max, 16) \
    AT(bp_kv_limits, bytes_max, 24) \
    SIZE(bp_kv_options, 56) \
    AT(bp_kv_options, size, 0) \
    AT(bp_kv_options, timeout_ms, 4) \
    AT(bp_kv_options, location, 8) \
    AT(bp_kv_options, limits, 16) \
    AT(bp_kv_options, store_bytes_max, 24) \
    AT(bp_kv_options, replicas, 32) \
    AT(bp_kv_options, log_level, 36) \
    AT(bp_kv_options, log, 40) \
    AT(bp_kv_options, log_data, 48) \
    SIZE(bp_kv_call, 64) \
    AT(bp_kv_call, size, 0) \
    AT(bp_kv_call, kind, 4) \
    AT(bp_kv_call, plugin, 8) \
    AT(bp_kv_call, tenant, 24) \
    AT(bp_kv_call, limits, 40) \
    AT(bp_kv_call, by, 48) \
    AT(bp_kv_call, cancel, 56) \
    SIZE(bp_kv_value, 48) \
    AT(bp_kv_value, size, 0) \
    AT(bp_kv_value, bytes, 8) \
    AT(bp_kv_value, version, 24) \
    AT(bp_kv_value, ttl_ms, 32) \
    AT(bp_kv_value, private_, 40) \
    SIZE(bp_kv_change, 24) \
    AT(bp_kv_change, size, 0) \
    AT(bp_kv_change, condition, 4) \
    AT(bp_kv_change, version, 8) \
    AT(bp_kv_change, ttl_ms, 16) \
    SIZE(bp_kv_page, 40) \
    AT(bp_kv_page, size, 0) \
    AT(bp_kv_page, count, 4) \
    AT(bp_kv_page, keys, 8) \
    AT(bp_kv_page, cursor, 16) \
    AT(bp_kv_page, private_, 32) \
    SIZE(bp_kv_stats, 480) \
    AT(bp_kv_stats, size, 0) \
    AT(bp_kv_stats, reserved_, 4) \
    AT(bp_kv_stats, calls, 8) \
    AT(bp_kv_stats, read_bytes, 440) \
    AT(bp_kv_stats, written_bytes, 448) \
    AT(bp_kv_stats, expired, 456) \
    AT(bp_kv_stats, commits, 464) \
    AT(bp_kv_stats, retries, 472) \
    SIZE(bp_problem, 24) \
    AT(bp_problem, pointer, 0) \
    AT(bp_problem, message, 8) \
    AT(bp_problem, hint, 16) \
    AT(bp_plugin_options, policy, 280) \
    SIZE(bp_capability, 32) \
    AT(bp_capability, name, 0) \
    AT(bp_capability, parameter, 8) \
    AT(bp_capability, risk, 16) \
    AT(bp_capability, opens, 24)
