CREATE TABLE "model_aliases" (
	"model_id" uuid NOT NULL,
	"alias" text NOT NULL,
	"version_id" uuid NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "model_aliases_model_id_alias_pk" PRIMARY KEY("model_id","alias")
);
--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "format" text;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "description" text;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "labels" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "signature" jsonb;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "parent_id" uuid;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "made_by" jsonb;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "dataset_id" uuid;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "dataset_sha256" text;--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "card" text;--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "labels" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "is_public" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "model_aliases" ADD CONSTRAINT "model_aliases_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_aliases" ADD CONSTRAINT "model_aliases_version_id_model_versions_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."model_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "model_aliases_version" ON "model_aliases" USING btree ("version_id");--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_parent_id_model_versions_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."model_versions"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_dataset_id_datasets_id_fk" FOREIGN KEY ("dataset_id") REFERENCES "public"."datasets"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "model_versions_parent" ON "model_versions" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "model_versions_dataset" ON "model_versions" USING btree ("dataset_id");--> statement-breakpoint
CREATE INDEX "models_public" ON "models" USING btree ("created_at","id") WHERE is_public;