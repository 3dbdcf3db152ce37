import { entity, featureView } from "@dagwright/feature-store";

/** Who buys. */
const customer = entity({ name: "customer", joinKey: "customer_id", type: "bigint" });

/** What is known of a customer as of a moment; the table is written by the features stage. */
const customerFeatures = featureView({
  name: "customer_features",
  entities: [customer],
  source: { table: "customer_features", timestampField: "event_timestamp" },
  ttl: 0,
  features: {
    total_purchases: "bigint",
    total_spent: "double",
    avg_purchase_value: "double",
    days_since_last_purchase: "bigint",
    tenure_days: "bigint",
    purchase_frequency: "double",
    cds_per_purchase: "double",
  },
});

/** All entities of the product. */
export const entities = [customer];

/** All feature views of the product. */
export const views = [customerFeatures];
