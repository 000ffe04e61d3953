CREATE TABLE "agent_events" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"agent_id" uuid NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"version" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notebook_cells" (
	"notebook_id" uuid NOT NULL,
	"id" text NOT NULL,
	"position" integer NOT NULL,
	"cell_type" text NOT NULL,
	"source" text NOT NULL,
	"outputs" json DEFAULT '[]'::json NOT NULL,
	"status" text DEFAULT 'idle' NOT NULL,
	"execution_count" integer,
	"metadata" json DEFAULT '{}'::json NOT NULL,
	"attachments" json,
	"extra" json DEFAULT '{}'::json NOT NULL,
	CONSTRAINT "notebook_cells_notebook_id_id_pk" PRIMARY KEY("notebook_id","id")
);
--> statement-breakpoint
CREATE TABLE "notebook_checkpoints" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"notebook_id" uuid NOT NULL,
	"epoch" integer NOT NULL,
	"step" bigint NOT NULL,
	"metrics" json NOT NULL,
	"blob_key" text NOT NULL,
	"file_size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"optimizer_blob_key" text,
	"optimizer_file_size" bigint,
	"optimizer_sha256" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notebooks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"owner_id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"kernel" text NOT NULL,
	"status" text DEFAULT 'draft' NOT NULL,
	"model_id" uuid,
	"dataset_id" uuid,
	"metadata" json DEFAULT '{}'::json NOT NULL,
	"extra" json DEFAULT '{}'::json NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_artifacts" (
	"run_id" uuid NOT NULL,
	"path" text NOT NULL,
	"blob_key" text NOT NULL,
	"file_size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_artifacts_run_id_path_pk" PRIMARY KEY("run_id","path")
);
--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "labels" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "concurrency" integer;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "state" text DEFAULT 'stopped' NOT NULL;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "state_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "host" jsonb;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "kind" text DEFAULT 'builtin:tabular' NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "command" jsonb;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "labels" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "max_retries" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "attempt" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "not_before" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "timeout_seconds" integer;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "token_hash" text;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "register_path" text;--> statement-breakpoint
ALTER TABLE "agent_events" ADD CONSTRAINT "agent_events_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notebook_cells" ADD CONSTRAINT "notebook_cells_notebook_id_notebooks_id_fk" FOREIGN KEY ("notebook_id") REFERENCES "public"."notebooks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notebook_checkpoints" ADD CONSTRAINT "notebook_checkpoints_notebook_id_notebooks_id_fk" FOREIGN KEY ("notebook_id") REFERENCES "public"."notebooks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notebooks" ADD CONSTRAINT "notebooks_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_artifacts" ADD CONSTRAINT "run_artifacts_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "agent_events_agent" ON "agent_events" USING btree ("agent_id","created_at","id");--> statement-breakpoint
CREATE INDEX "notebook_cells_order" ON "notebook_cells" USING btree ("notebook_id","position");--> statement-breakpoint
CREATE INDEX "notebook_checkpoints_order" ON "notebook_checkpoints" USING btree ("notebook_id","created_at","id");--> statement-breakpoint
CREATE INDEX "notebooks_owner" ON "notebooks" USING btree ("owner_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "notebooks_updated" ON "notebooks" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "runs_queue" ON "runs" USING btree ("priority" DESC NULLS LAST,"created_at","id") WHERE status = 'pending';--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_token_hash_unique" UNIQUE("token_hash");