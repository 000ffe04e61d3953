-- Accounts from before there was verification and approval keep their access.
UPDATE "users" SET "email_verified_at" = "created_at", "approved_at" = "created_at";--> statement-breakpoint
UPDATE "agents" SET "token_issued_at" = "created_at" WHERE "token_hash" IS NOT NULL;--> statement-breakpoint
-- The audit trail only grows. What is older than a month may be pruned, nothing may be changed.
CREATE FUNCTION "audit_events_keep"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit_events only grows' USING ERRCODE = 'insufficient_privilege';
END
$$;--> statement-breakpoint
CREATE TRIGGER "audit_events_keep_rows" BEFORE UPDATE OR DELETE ON "audit_events"
  FOR EACH ROW EXECUTE FUNCTION "audit_events_keep"();--> statement-breakpoint
CREATE TRIGGER "audit_events_keep_table" BEFORE TRUNCATE ON "audit_events"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_events_keep"();
