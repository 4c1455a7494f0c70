CREATE TABLE IF NOT EXISTS {availability} (
  tenant_id {text:63} NOT NULL PRIMARY KEY,
  mode {text:16} NOT NULL CHECK (mode IN ('read_only', 'maintenance')),
  available_at {int},
  FOREIGN KEY (tenant_id) REFERENCES {tenant} (id)
){end};
