CREATE TABLE "model_upload_parts" (
	"upload_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"etag" text NOT NULL,
	"size" bigint NOT NULL,
	CONSTRAINT "model_upload_parts_upload_id_number_pk" PRIMARY KEY("upload_id","number")
);
--> statement-breakpoint
CREATE TABLE "model_uploads" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"owner_id" uuid,
	"model_id" uuid,
	"state" text DEFAULT 'open' NOT NULL,
	"blob_key" text NOT NULL,
	"storage_id" text NOT NULL,
	"is_direct" boolean NOT NULL,
	"file_name" text NOT NULL,
	"file_size" bigint NOT NULL,
	"part_size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"metrics" jsonb,
	"training_run_id" uuid,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "model_upload_parts" ADD CONSTRAINT "model_upload_parts_upload_id_model_uploads_id_fk" FOREIGN KEY ("upload_id") REFERENCES "public"."model_uploads"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_uploads" ADD CONSTRAINT "model_uploads_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_uploads" ADD CONSTRAINT "model_uploads_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "model_uploads_owner" ON "model_uploads" USING btree ("owner_id");--> statement-breakpoint
CREATE INDEX "model_uploads_model" ON "model_uploads" USING btree ("model_id");--> statement-breakpoint
CREATE INDEX "model_uploads_expires_at" ON "model_uploads" USING btree ("expires_at");