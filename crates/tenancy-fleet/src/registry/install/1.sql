CREATE TABLE IF NOT EXISTS {registry} (
  one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
  version {int} NOT NULL,
  changes {int} NOT NULL
){end};
CREATE TABLE IF NOT EXISTS {place} (
  place {text:540} NOT NULL PRIMARY KEY,
  kind {text:8} NOT NULL CHECK (kind IN ('own', 'shared')),
  UNIQUE (place, kind)
){end};
CREATE TABLE IF NOT EXISTS {tenant} (
  id {text:63} NOT NULL PRIMARY KEY,
  status {text:16} NOT NULL CHECK (status IN ('active', 'suspended', 'provisioning', 'archived')),
  strategy {text:32} NOT NULL CHECK (strategy IN ('row-level', 'schema-per-tenant', 'database-per-tenant')),
  placed {int} NOT NULL CHECK (placed IN (0, 1)),
  server {text:255},
  database_name {text:255},
  schema_name {text:255},
  credential_name {text:255},
  place {text:540},
  place_kind {text:8},
  place_key {text:800} UNIQUE,
  claimed_from {text:63},
  sealed_credential {text:6000},
  sealed_with {text:32},
  sealed_next {text:6000},
  metadata {json} NOT NULL,
  applied_version {int},
  applied_digest {text:64},
  provisioning {text:16} NOT NULL CHECK (provisioning IN ('pending', 'running', 'ready', 'failed', 'removing', 'removed')),
  outcome {text:1024},
  revision {int} NOT NULL CHECK (revision > 0),
  notice {int} UNIQUE,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  UNIQUE (status, id),
  FOREIGN KEY (place, place_kind) REFERENCES {place} (place, kind),
  CHECK (status <> 'active' OR placed = 1 AND provisioning = 'ready'),
  CHECK (strategy = 'row-level' OR placed = 0 OR place IS NOT NULL AND place_kind IS NOT NULL AND place_key IS NOT NULL),
  CHECK ((sealed_credential IS NULL) = (sealed_with IS NULL)),
  CHECK (sealed_next IS NULL OR sealed_credential IS NOT NULL)
){end};
CREATE TABLE IF NOT EXISTS {pending} (
  id {text:63} NOT NULL PRIMARY KEY,
  strategy {text:32} NOT NULL CHECK (strategy IN ('schema-per-tenant', 'database-per-tenant')),
  server {text:255},
  database_name {text:255},
  schema_name {text:255},
  credential_name {text:255},
  place {text:540} NOT NULL,
  place_kind {text:8} NOT NULL,
  place_key {text:800} NOT NULL UNIQUE,
  ready {int} NOT NULL CHECK (ready IN (0, 1)),
  applied_version {int},
  applied_digest {text:64},
  seeds_digest {text:64},
  created_at {int} NOT NULL,
  FOREIGN KEY (place, place_kind) REFERENCES {place} (place, kind)
){end};
CREATE TABLE IF NOT EXISTS {domain} (
  domain {text:253} NOT NULL PRIMARY KEY,
  tenant_id {text:63} NOT NULL,
  UNIQUE (tenant_id, domain),
  FOREIGN KEY (tenant_id) REFERENCES {tenant} (id)
){end};
CREATE TABLE IF NOT EXISTS {audit} (
  tenant_id {text:63} NOT NULL,
  revision {int} NOT NULL,
  changed_at {int} NOT NULL,
  actor {text:255} NOT NULL,
  what {text:255} NOT NULL,
  detail {text:4096},
  old_status {text:16},
  new_status {text:16} NOT NULL,
  PRIMARY KEY (tenant_id, revision),
  FOREIGN KEY (tenant_id) REFERENCES {tenant} (id)
){end};
