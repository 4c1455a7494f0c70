SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
{lock}
-- From here on, one claim at a time; the constraints hold against writers who don't ask.
WITH asked AS (
  SELECT {tenant} AS tenant_id, {strategy} AS strategy, {server} AS server,
    CASE WHEN {server} IS NULL AND {strategy} = 'schema-per-tenant' AND {database} = current_database() THEN NULL ELSE {database} END AS database_name,
    {schema} AS schema_name, {credential} AS credential
)
INSERT INTO tenancy.placement (tenant_id, strategy, server, database_name, schema_name, credential)
SELECT a.tenant_id, a.strategy, a.server, a.database_name, a.schema_name, a.credential FROM asked AS a
WHERE NOT EXISTS (SELECT FROM tenancy.placement AS p WHERE p.tenant_id = a.tenant_id
  OR a.strategy <> 'row-level' AND p.strategy <> 'row-level'
    AND p.server IS NOT DISTINCT FROM a.server AND p.database_name IS NOT DISTINCT FROM a.database_name
    AND (p.strategy = 'database-per-tenant' OR a.strategy = 'database-per-tenant' OR p.schema_name IS NOT DISTINCT FROM a.schema_name))
ON CONFLICT DO NOTHING;
WITH asked AS (
  SELECT {tenant} AS tenant_id, {strategy} AS strategy, {server} AS server,
    CASE WHEN {server} IS NULL AND {strategy} = 'schema-per-tenant' AND {database} = current_database() THEN NULL ELSE {database} END AS database_name,
    {schema} AS schema_name, {credential} AS credential
)
SELECT CASE
  WHEN p.tenant_id IS NULL THEN 'taken'
  WHEN p.released_at IS NOT NULL THEN 'released'
  WHEN p.strategy = a.strategy AND p.server IS NOT DISTINCT FROM a.server AND p.database_name IS NOT DISTINCT FROM a.database_name
    AND p.schema_name IS NOT DISTINCT FROM a.schema_name AND p.credential IS NOT DISTINCT FROM a.credential
    THEN CASE WHEN p.xmin = pg_current_xact_id_if_assigned()::xid THEN 'claimed' ELSE 'held' END
  ELSE 'elsewhere'
END AS answer
FROM asked AS a LEFT JOIN tenancy.placement AS p ON p.tenant_id = a.tenant_id
