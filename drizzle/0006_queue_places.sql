DROP INDEX "runs_queue";--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "queued_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
UPDATE "runs" SET "queued_at" = "created_at";--> statement-breakpoint
CREATE INDEX "runs_queue" ON "runs" USING btree ("priority" DESC NULLS LAST,"queued_at","id") WHERE status = 'pending';