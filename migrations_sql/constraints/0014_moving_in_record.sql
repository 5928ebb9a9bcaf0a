-- Written before our migrations may run (a pre-flight, a backup), so it is made by whoever comes first.
CREATE TABLE IF NOT EXISTS moving_in_record ();
ALTER TABLE moving_in_record
    ADD COLUMN IF NOT EXISTS preflight_at timestamptz,
    ADD COLUMN IF NOT EXISTS backup_verified_at timestamptz,
    ADD COLUMN IF NOT EXISTS id smallint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS preflight jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS backup_folder text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS rehearsed_at timestamptz,
    ADD COLUMN IF NOT EXISTS rehearsal jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS migrated_at timestamptz,
    ADD COLUMN IF NOT EXISTS verified_at timestamptz,
    ADD COLUMN IF NOT EXISTS moved_tables jsonb NOT NULL DEFAULT '[]';
ALTER TABLE moving_in_record DROP CONSTRAINT IF EXISTS moving_in_record_pkey;
ALTER TABLE moving_in_record ADD CONSTRAINT moving_in_record_pkey PRIMARY KEY (id);
ALTER TABLE moving_in_record DROP CONSTRAINT IF EXISTS moving_in_record_is_one_row;
ALTER TABLE moving_in_record ADD CONSTRAINT moving_in_record_is_one_row CHECK (id = 1);
