"""Owns the peer: the same job in DuckDB's SQL, written as well as we can.

Exact decimals, one aggregation by the same keys and day, rules matched on distinct keys only.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.sets import MonthSet, price_book, roster_of
from invoices.pricing.book import MATCHED
from invoices.pricing.match import MARKED_UP, by_specificity

# A native cast of a double is wrong above 2^51 units of 1e-10; its text is right, and slow.
EXACT = """
CREATE MACRO exact(x) AS CASE
  WHEN abs(x) < 225179 THEN CAST(x AS DECIMAL(18,10))
  ELSE CAST(CAST(x AS VARCHAR) AS DECIMAL(28,10)) END
"""

SUMMARY = """
CREATE TEMP TABLE summary AS
WITH line AS (
  SELECT *,
    coalesce(line_item_line_item_type, '') AS line_type,
    coalesce(reservation_reservation_a_r_n, '') AS reservation,
    coalesce(savings_plan_savings_plan_a_r_n, '') AS plan,
    coalesce(bill_billing_entity, '') AS entity,
    coalesce(product['product_name'], '') AS product_name
  FROM read_parquet($files)
  WHERE coalesce(line_item_operation, '') NOT IN ('EKSPod-EC2', 'ECSTask-EC2')
), kinds AS (
  SELECT *, CASE
    WHEN line_type = 'Usage' THEN 'usage'
    WHEN line_type = 'Fee' AND reservation <> '' THEN 'ri_upfront'
    WHEN line_type = 'Fee' THEN 'fee'
    WHEN line_type = 'FlatRateSubscription' THEN 'subscription'
    WHEN line_type = 'DiscountedUsage' THEN 'ri_usage'
    WHEN line_type = 'RIFee' THEN 'ri_fee'
    WHEN line_type = 'SavingsPlanCoveredUsage' THEN 'sp_usage'
    WHEN line_type = 'SavingsPlanNegation' THEN 'sp_negation'
    WHEN line_type = 'SavingsPlanRecurringFee' THEN 'sp_fee'
    WHEN line_type = 'SavingsPlanUpfrontFee' THEN 'sp_upfront'
    WHEN line_type = 'Credit' THEN 'credit'
    WHEN line_type = 'Refund' THEN 'refund'
    WHEN line_type = 'Tax' THEN 'tax'
    ELSE 'unknown' END AS kind
  FROM line
)
SELECT
  bill_payer_account_id AS payer_account_id,
  line_item_usage_account_id AS account_id,
  strftime(bill_billing_period_start_date, '%Y-%m') AS billing_period,
  coalesce(bill_invoice_id, '') AS invoice_id,
  coalesce(bill_bill_type, '') AS bill_type,
  entity AS billing_entity,
  coalesce(line_item_legal_entity, '') AS legal_entity,
  coalesce(line_item_currency_code, '') AS currency,
  kind,
  coalesce(line_item_product_code, '') AS service,
  coalesce(product_region_code, '') AS region,
  coalesce(line_item_usage_type, '') AS usage_type,
  coalesce(line_item_operation, '') AS operation,
  coalesce(pricing_unit, '') AS unit,
  coalesce(product_sku, '') AS sku,
  CASE WHEN reservation <> '' THEN reservation ELSE plan END AS commitment_id,
  coalesce(line_item_tax_type, '') AS tax_type,
  CASE WHEN entity = 'AWS Marketplace' THEN line_item_legal_entity ELSE '' END AS seller,
  CASE
    WHEN kind = 'unknown' THEN line_type
    WHEN entity = 'AWS Marketplace' AND product_name <> '' THEN product_name
    WHEN entity = 'AWS Marketplace'
      OR kind IN ('fee', 'subscription', 'credit', 'refund', 'tax')
      THEN coalesce(line_item_line_item_description, '')
    ELSE '' END AS description_key,
  '' AS tags,
  CAST(line_item_usage_start_date AS DATE) AS service_day,
  CASE WHEN kind IN ('ri_fee', 'sp_fee')
    THEN CAST(line_item_usage_end_date - INTERVAL 1 MICROSECOND AS DATE)
    ELSE CAST(line_item_usage_start_date AS DATE) END AS last_day,
  sum(exact(line_item_usage_amount)) AS usage,
  sum(exact(line_item_unblended_cost)) AS billed_cost,
  sum(CASE
    WHEN kind = 'sp_usage' THEN exact(savings_plan_savings_plan_effective_cost)
    WHEN kind = 'ri_usage' THEN exact(reservation_effective_cost)
    WHEN kind = 'ri_fee' THEN
      exact(reservation_unused_amortized_upfront_fee_for_billing_period)
      + exact(reservation_unused_recurring_fee)
    WHEN kind = 'sp_fee' THEN
      exact(savings_plan_total_commitment_to_date) - exact(savings_plan_used_commitment)
    WHEN kind IN ('sp_negation', 'sp_upfront', 'ri_upfront')
      OR (kind = 'refund' AND line_item_product_code = 'ComputeSavingsPlans') THEN 0
    ELSE exact(line_item_unblended_cost) END) AS amortized_cost,
  sum(exact(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)))
    AS net_billed_cost,
  sum(CASE
    WHEN kind = 'sp_usage' THEN exact(coalesce(
      savings_plan_net_savings_plan_effective_cost, savings_plan_savings_plan_effective_cost))
    WHEN kind = 'ri_usage' THEN exact(coalesce(
      reservation_net_effective_cost, reservation_effective_cost))
    WHEN kind = 'ri_fee' THEN
      exact(coalesce(
        reservation_net_unused_amortized_upfront_fee_for_billing_period,
        reservation_unused_amortized_upfront_fee_for_billing_period))
      + exact(reservation_unused_recurring_fee)
    WHEN kind = 'sp_fee' THEN
      exact(savings_plan_total_commitment_to_date) - exact(savings_plan_used_commitment)
    WHEN kind IN ('sp_negation', 'sp_upfront', 'ri_upfront')
      OR (kind = 'refund' AND line_item_product_code = 'ComputeSavingsPlans') THEN 0
    ELSE exact(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) END)
    AS net_amortized_cost,
  sum(CASE WHEN kind = 'sp_negation' THEN 0 ELSE exact(pricing_public_on_demand_cost) END)
    AS list_cost,
  sum(exact(line_item_blended_cost)) AS blended_cost,
  sum(CASE
    WHEN kind = 'sp_fee'
      THEN -exact(savings_plan_amortized_upfront_commitment_for_billing_period)
    WHEN kind = 'ri_fee'
      THEN -exact(reservation_amortized_upfront_fee_for_billing_period)
    ELSE 0 END) AS trueup,
  sum(CASE WHEN kind IN ('sp_upfront', 'ri_upfront')
      OR (kind = 'refund' AND line_item_product_code = 'ComputeSavingsPlans')
    THEN exact(line_item_unblended_cost) ELSE 0 END) AS upfront
FROM kinds
GROUP BY ALL
"""

LINES = """
COPY (
  WITH by_day AS (
    SELECT a.client, s.* EXCLUDE (amortized_cost), s.amortized_cost AS cost
    FROM summary s JOIN assignments a ON s.account_id = a.account_id
      AND s.service_day >= a.first_day AND s.service_day < a.next_day
    WHERE kind NOT IN ('credit', 'tax', 'unknown', 'ri_fee', 'sp_fee')
  ), held AS (
    SELECT a.client, s.*, CAST(s.amortized_cost * 10000000000 AS HUGEINT) AS units,
      least(s.last_day + 1, a.next_day) - greatest(s.service_day, a.first_day) AS days
    FROM (SELECT row_number() OVER () AS number, * FROM summary
          WHERE kind IN ('ri_fee', 'sp_fee')) s
    JOIN assignments a ON s.account_id = a.account_id
      AND a.first_day <= s.last_day AND a.next_day > s.service_day
  ), shares AS (
    SELECT *, units * days // sum(days) OVER (PARTITION BY number) AS whole,
      units * days % sum(days) OVER (PARTITION BY number) AS rest
    FROM held
  ), ranked AS (
    SELECT *, units - sum(whole) OVER (PARTITION BY number) AS owed,
      row_number() OVER (PARTITION BY number ORDER BY rest DESC, client) AS place
    FROM shares
  ), lasting AS (
    SELECT * EXCLUDE (number, units, days, whole, rest, owed, place, amortized_cost),
      CAST(CAST(whole + CASE WHEN place <= owed THEN 1 ELSE 0 END AS DECIMAL(28,0))
        * 0.0000000001 AS DECIMAL(38,10)) AS cost
    FROM ranked
  ), borne AS (
    SELECT client, account_id, billing_entity, kind, service, region, usage_type, operation,
      unit, tax_type, seller, description_key, CAST(sum(cost) AS DECIMAL(38,10)) AS cost
    FROM (SELECT * FROM by_day UNION ALL BY NAME SELECT * FROM lasting)
    GROUP BY ALL
  ), seen AS (
    SELECT DISTINCT service, region, usage_type, operation, kind, billing_entity FROM borne
  ), matched AS (
    SELECT seen.*, arg_min(rules.rule, rules.rank) AS rule
    FROM seen JOIN rules
      ON seen.service GLOB rules.service AND seen.region GLOB rules.region
      AND seen.usage_type GLOB rules.usage_type AND seen.operation GLOB rules.operation
    WHERE kind IN $kinds
    GROUP BY ALL
  )
  SELECT borne.* EXCLUDE (cost), coalesce(matched.rule, -1) AS rule,
    CAST(CAST(cost * 10000000000 AS DECIMAL(38,0)) * 1000000 AS DECIMAL(38,0)) AS cost_e16,
    CAST(CAST(cost * 10000000000 AS HUGEINT) * 1000000 * coalesce(factor_e6, 1000000)
      AS DECIMAL(38,0)) AS price_e22
  FROM borne
    LEFT JOIN matched USING (service, region, usage_type, operation, kind, billing_entity)
    LEFT JOIN rules ON rules.rule = matched.rule
) TO '{out}' (FORMAT parquet)
"""


def priced_lines(month: MonthSet, cache: Path, out: Path) -> None:
    del cache  # Nothing is kept between runs.
    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    database.execute(EXACT)
    _load_inputs(database, month)
    database.execute(SUMMARY, {"files": [str(path) for path in month.files]})
    kinds = [kind.value for kind in MARKED_UP] + ["sp_negation"]
    database.execute(LINES.format(out=out), {"kinds": kinds})


def _load_inputs(database: duckdb.DuckDBPyConnection, month: MonthSet) -> None:
    database.execute(
        "CREATE TEMP TABLE assignments"
        " (account_id VARCHAR, client VARCHAR, first_day DATE, next_day DATE)"
    )
    database.executemany(
        "INSERT INTO assignments VALUES (?, ?, ?, coalesce(?, DATE '9999-12-31'))",
        [(a.account_id, a.client, a.span.start, a.span.end) for a in roster_of(month).assignments],
    )
    rules = price_book().rules
    globs = [column for column in MATCHED if column not in {"kind", "billing_entity"}]
    columns = ", ".join(f"{column} VARCHAR" for column in globs)
    database.execute(
        f"CREATE TEMP TABLE rules (rule BIGINT, rank INT, {columns}, factor_e6 BIGINT)"
    )
    database.executemany(
        "INSERT INTO rules VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                index,
                rank,
                *(getattr(rules[index].match, column) for column in globs),
                1_000_000 + int(rules[index].effect.percent * 10_000),  # type: ignore[union-attr]
            )
            for rank, index in enumerate(by_specificity(rules))
        ],
    )
