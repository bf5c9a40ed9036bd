REPLACE INTO tenants (tenant_no, tenant, last_number) VALUES (1, 'acme', 5000), (2, 'other', 5000);
INSERT INTO products (tenant, product_id, name, category, unit, created_at, updated_at, deleted_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('p', seq), 'x', CONCAT('c', seq MOD 5, '/', seq MOD 500), 'piece',
    '2026-01-01', '2026-01-01', IF(seq MOD 50 = 1, '2026-02-01', NULL), 1 FROM seq_1_to_20000;
INSERT INTO shops (tenant, shop_id, name, time_zone, created_at, updated_at, deleted_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('s', seq), 'x', 'UTC', '2026-01-01', '2026-01-01', NULL, 1
    FROM seq_1_to_5000;
INSERT INTO promotions (tenant, promotion_id, name, kind, shop_ids, product_ids, category_ids, start_date, end_date,
    created_at, updated_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('o', seq), 'x', 'price_cut', CONCAT('["s', seq MOD 23, '"]'),
    CONCAT('["p', seq MOD 97, '"]'), '[]', '2026-01-01' + INTERVAL seq DAY, '2027-01-01' + INTERVAL seq DAY,
    '2026-01-01', '2026-01-01', 1 FROM seq_1_to_5000;
INSERT INTO import_mappings (tenant, name, mapping, same_day, created_at, updated_at, deleted_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('m', seq), '{}', 'refuse', '2026-01-01', '2026-01-01', NULL, 1
    FROM seq_1_to_5000;
INSERT INTO import_sources (tenant, name, connection, table_name, mapping, same_day, mark_overlap, time_zone, created_at,
    updated_at, deleted_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('q', seq), 'erp', 'sold', '{}', 'refuse', 0, '', '2026-01-01',
    '2026-01-01', NULL, 1 FROM seq_1_to_5000;
INSERT INTO import_source_states (tenant, name, next_run_at, last_job_id)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('q', seq), '2026-01-01' + INTERVAL seq MINUTE,
    CONCAT('00000000-0000-4000-8000-', LPAD(seq, 12, '0')) FROM seq_1_to_5000;
INSERT INTO pipelines (tenant, name, steps, version, digest, created_at, updated_at, deleted_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('n', seq), '[]', 1, '', '2026-01-01', '2026-01-01', NULL, 1
    FROM seq_1_to_5000;
INSERT INTO pipeline_versions (tenant, name, version, digest, steps, created_at)
    SELECT IF(n.seq MOD 2, 'acme', 'other'), CONCAT('n', n.seq), v.seq, '', '[]', '2026-01-01'
    FROM seq_1_to_500 n, seq_1_to_40 v;
INSERT INTO api_keys (key_id, tenant, name, role, digest, created_at)
    SELECT LPAD(seq, 8, '0'), IF(seq MOD 2, 'acme', 'other'), 'x', 'viewer', SHA2(seq, 256),
    '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_5000;
INSERT INTO data_jobs (job_id, tenant, kind, status, phase, done_count, total_count, submitted_at, pending_at,
    run_after, submitted_by, attempt, crash_count, fence, cancel_requested, input_digest, input, trace_id, traceparent)
    SELECT CONCAT('00000000-0000-4000-8000-', LPAD(seq, 12, '0')), IF(seq MOD 2, 'acme', 'other'), 'import',
    IF(seq MOD 100 < 2, 'failed', 'completed'), '', 0, 0, '2026-01-01' + INTERVAL seq MINUTE, '2026-01-01', '2026-01-01',
    'x', 1, 0, 0, 0, '', '{}', '', '' FROM seq_1_to_10000;
INSERT INTO imports (import_id, tenant, file_name, digest, size_bytes, expanded_bytes, is_dry_run, asked_mapping,
    mapping, store_path, load_no, done_offset, done_row, accepted_count, rejected_count, repeated_count,
    data_version, created_at)
    SELECT CONCAT('00000000-0000-4000-8000-', LPAD(seq, 12, '0')), IF(seq MOD 2, 'acme', 'other'), 'x', SHA2(seq, 256),
    1, 1, 0, '{}', '{}', '', (seq + 1) DIV 2, 1, 1, 1, 1, 0, IF(seq MOD 1000 < 2, NULL, (seq + 1) DIV 2),
    '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_10000;
INSERT INTO import_rejects (import_id, row_no, fault_no, tenant, column_name, value, rule)
    SELECT '00000000-0000-4000-8000-000000000007', seq, 0, 'acme', '', '', 'row.columns' FROM seq_1_to_20000;
INSERT INTO data_versions (tenant_no, number, load_no, created_at, cause, row_count)
    SELECT 1 + (seq MOD 2), (seq + 1) DIV 2, (seq + 1) DIV 2, '2026-01-01' + INTERVAL seq MINUTE, 'x', 1
    FROM seq_1_to_10000;
INSERT INTO series (series_no, tenant_no, shop_id, product_id, first_load_no)
    SELECT seq, 1 + (seq MOD 2), CONCAT('s', seq DIV 2 MOD 23), CONCAT('p', seq DIV 46), 1 FROM seq_1_to_20000;
INSERT INTO sales (tenant_no, series_no, sale_date, load_no, quantity, was_available)
    SELECT 1 + (seq MOD 2), seq MOD 1000, '2025-12-01' + INTERVAL seq DIV 1000 DAY, 1 + seq DIV 1000, 1, seq MOD 9 > 0
    FROM seq_0_to_89999;
INSERT INTO stock_movements (tenant_no, movement_id, kind, shop_id, product_id, lot_id, quantity, occurred_at,
    recorded_at, reference, reason)
    SELECT 1 + (seq MOD 2), UUID(), IF(seq MOD 7, 'sale', 'receipt'), CONCAT('s', seq MOD 23), CONCAT('p', seq MOD 97),
    '', 1, '2026-01-01' + INTERVAL seq MINUTE, '2026-01-01' + INTERVAL seq MINUTE, '', '' FROM seq_1_to_40000;
INSERT INTO stock_levels (tenant_no, shop_id, product_id, quantity, updated_at, revision)
    SELECT 1 + (seq MOD 2), CONCAT('s', seq DIV 2 MOD 23), CONCAT('p', seq DIV 46), seq MOD 40, '2026-01-01', 0
    FROM seq_1_to_20000;
INSERT INTO stock_lots (tenant_no, shop_id, product_id, lot_id, expiry_date, quantity, is_open)
    SELECT 1 + (seq MOD 2), CONCAT('s', seq DIV 2 MOD 23), CONCAT('p', seq DIV 46), 'l',
    '2026-01-01' + INTERVAL seq DAY, 1, seq MOD 20 < 2 FROM seq_1_to_20000;
INSERT INTO suppliers (tenant, supplier_id, name, created_at, updated_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('s', seq), CONCAT('n', seq), '2026-01-01', '2026-01-01', 1
    FROM seq_1_to_5000;
INSERT INTO price_changes (tenant, price_change_id, product_id, shop_id, price, currency_code, start_date, created_at,
    updated_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('c', seq), CONCAT('p', seq DIV 46), CONCAT('s', seq DIV 2 MOD 23), 1,
    'EUR', '2020-01-01' + INTERVAL seq DIV 10 DAY, '2026-01-01', '2026-01-01', 1 FROM seq_1_to_20000;
INSERT INTO closures (tenant, closure_id, shop_id, start_date, end_date, reason, created_at, updated_at, revision)
    SELECT IF(seq MOD 2, 'acme', 'other'), CONCAT('c', seq), CONCAT('s', seq DIV 2 MOD 23),
    '2020-01-01' + INTERVAL seq DIV 10 DAY, '2020-01-01' + INTERVAL seq DIV 10 DAY, '', '2026-01-01', '2026-01-01', 1
    FROM seq_1_to_20000;
INSERT INTO quality_checks (check_no, tenant_no, check_id, version_number, checked_at)
SELECT seq, 1 + (seq MOD 2), UUID(), seq, '2026-01-01' + INTERVAL seq HOUR FROM seq_1_to_400;
INSERT INTO quality_scores (tenant_no, check_no, shop_id, day_count, faulty_count, info_count, warning_count,
    error_count)
SELECT 1 + (c.seq MOD 2), c.seq, CONCAT('s', s.seq), 1, 0, 0, 0, 0 FROM seq_1_to_400 c, seq_1_to_40 s;
INSERT INTO quality_source_scores (tenant_no, check_no, source_id, day_count, faulty_count, info_count, warning_count,
    error_count)
SELECT 1 + (c.seq MOD 2), c.seq, CONCAT('mapping:s', s.seq), 1, 0, 0, 0, 0 FROM seq_1_to_400 c, seq_1_to_40 s;
INSERT INTO quality_findings (tenant_no, rule, shop_id, product_id, start_date, end_date, severity, day_count,
    measured, usual, is_open, check_no, first_seen_at, last_seen_at)
SELECT 1 + (seq MOD 2), ELT(1 + seq MOD 7, 'missing_days', 'stale_shop', 'outlier', 'level_shift',
    'unit_mix_up', 'price_jump', 'sales_without_stock'), CONCAT('s', seq MOD 23), CONCAT('p', seq MOD 97),
    '2026-01-01' + INTERVAL (seq DIV 97) DAY, '2026-01-01' + INTERVAL (seq DIV 97) DAY,
    ELT(1 + seq MOD 3, 'info', 'warning', 'error'), 1, 1, 1, seq MOD 5 = 0, 1, '2026-01-01', '2026-01-01'
FROM seq_1_to_20000;
