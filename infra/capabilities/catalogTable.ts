import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { publish } from '../output.ts';
import { tableName } from '../names.ts';
import type { DataKey } from './dataKey.ts';

export const CATALOG_INDEXES = ['listing', 'due'] as const;

export interface CatalogTableProps {
  readonly prefix: string;
  readonly key: DataKey;
  readonly removal: RemovalPolicy;
}

/** The catalog's one table (docs/catalog.md) with its sparse indexes `listing` and `due`. */
export class CatalogTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: CatalogTableProps) {
    super(scope, id);
    const kept = props.removal !== RemovalPolicy.DESTROY;
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    this.table = new Table(this, 'Table', {
      tableName: tableName(props.prefix),
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: props.key.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: kept,
      // The relay only needs to learn which outbox rows came, never what stands in them.
      stream: StreamViewType.KEYS_ONLY,
      timeToLiveAttribute: 'ttl',
      // Also after a first deployment that failed: what protects it would fail its removal, and with it the rollback.
      removalPolicy: kept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    for (const indexName of CATALOG_INDEXES) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(`${indexName}Pk`),
        sortKey: text(`${indexName}Sk`),
        projectionType: ProjectionType.ALL,
      });
    }
    publish(this, 'TableName', this.table.tableName, 'The catalog table');
  }
}
