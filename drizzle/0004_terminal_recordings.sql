CREATE TABLE "terminal_recordings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"agent_id" uuid NOT NULL,
	"agent_name" text NOT NULL,
	"user_id" uuid NOT NULL,
	"user_name" text NOT NULL,
	"parts" integer DEFAULT 0 NOT NULL,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"truncated" boolean DEFAULT false NOT NULL,
	"end_reason" text,
	"ended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "record_terminals" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "terminal_recordings_newest" ON "terminal_recordings" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "terminal_recordings_agent" ON "terminal_recordings" USING btree ("agent_id","created_at","id");--> statement-breakpoint
CREATE INDEX "terminal_recordings_user" ON "terminal_recordings" USING btree ("user_id","created_at","id");