import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { FunctionDeclaration } from '../../functions/shared/declaration.ts';
import type { FunctionEnvironment } from '../../functions/shared/environment.ts';
import { allow } from '../acknowledge.ts';
import { type GrantTargets, statementsOf } from '../capabilities/grants.ts';
import { AgentIdentity } from '../capabilities/agentIdentity.ts';
import { HostAccess } from '../capabilities/hostAccess.ts';
import { HostApi } from '../capabilities/hostApi.ts';
import { BatchJobs } from '../capabilities/batchJobs.ts';
import { InventorySweep } from '../capabilities/inventorySweep.ts';
import { OutboxStream } from '../capabilities/outboxStream.ts';
import { DeadLetterQueue } from '../constructs/deadLetterQueue.ts';
import { QueueWorker } from '../constructs/queueWorker.ts';
import { StrataFunction, type StrataFunctionProps } from '../constructs/strataFunction.ts';
import {
  agentRoleName,
  auditBucketName,
  bucketName,
  hostDeadLetterName,
  hostQueuePrefix,
  hostRoleName,
  sweepStateMachineName,
  tableName,
} from '../names.ts';
import { publish } from '../output.ts';
import type { StrataSettings } from '../settings.ts';
import type { DataStack } from './dataStack.ts';
import type { ObservabilityStack } from './observabilityStack.ts';

export interface ComputeStackProps extends StackProps {
  readonly settings: StrataSettings;
  readonly data: DataStack;
  readonly observability: ObservabilityStack;
  readonly declarations: readonly FunctionDeclaration[];
  readonly codeOf: (functionName: string) => Code;
}

/** A declared function as deployed; `queue` where a queue sets it going. */
export interface Deployed {
  readonly declaration: FunctionDeclaration;
  readonly worker: StrataFunction;
  readonly queue: QueueWorker | undefined;
}

/** The functions with their queues, the outbox stream, the API for hosts and what hosts may do. */
export class ComputeStack extends Stack {
  readonly deployed: readonly Deployed[];

  constructor(scope: Construct, id: string, props: ComputeStackProps) {
    super(scope, id, props);
    const { data, declarations, settings } = props;
    const topic = props.observability.topic.topic;
    const hostDeadLetters = new DeadLetterQueue(this, 'HostDeadLetters', {
      queueName: hostDeadLetterName(settings.prefix),
      topic,
      ifThisFails:
        'a host could not carry out a command, and its cache differs from what was decided; read the command and redrive it.',
      runbook: 'hosts',
    });
    const targets = this.#targets(props);
    const environment = environmentOf(props, targets, hostDeadLetters);
    this.deployed = declarations.map((declaration) =>
      this.#deploy({ settings, declaration, code: props.codeOf(declaration.name), environment, topic }),
    );
    for (const { declaration, worker } of this.deployed) {
      for (const grant of declaration.grants) {
        for (const statement of statementsOf(grant, targets)) allow(worker.role, statement);
      }
      const { prefix } = settings;
      for (const trigger of declaration.triggers) {
        if (trigger.kind === 'outbox-stream') {
          const { table } = data.table;
          new OutboxStream(this, 'OutboxStream', { prefix, declaration, worker, topic, table, targets });
        }
        if (trigger.kind === 'inventory-map') {
          new InventorySweep(this, 'InventorySweep', { prefix, declaration, trigger, worker, topic });
        }
        if (trigger.kind === 'batch-operations') new BatchJobs(this, 'BatchJobs', { prefix, worker });
      }
    }
    this.#admitHosts(props, targets);
  }

  #deploy(props: StrataFunctionProps): Deployed {
    const { declaration } = props;
    const id = pascalCase(declaration.name);
    const [trigger, another] = declaration.triggers.filter((one) => one.kind === 'queue');
    if (another !== undefined)
      throw new TypeError(`${declaration.name} works off two queues; make two functions of it.`);
    if (trigger === undefined) return { declaration, worker: new StrataFunction(this, id, props), queue: undefined };
    const queue = new QueueWorker(this, id, { ...props, trigger });
    return { declaration, worker: queue.worker, queue };
  }

  #targets({ data, declarations, settings }: ComputeStackProps): GrantTargets {
    const queueArn = (name: string) => this.formatArn({ service: 'sqs', resource: `${settings.prefix}-${name}` });
    const queues = declarations.flatMap(({ triggers }) =>
      triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [queueArn(trigger.queue)] : [])),
    );
    return {
      // By name: cdk-nag's findings on patterns would otherwise carry the names of exports.
      bucketArn: this.formatArn({
        service: 's3',
        account: '',
        region: '',
        resource: bucketName(this, settings.prefix),
      }),
      auditBucketArn: this.formatArn({
        service: 's3',
        account: '',
        region: '',
        resource: auditBucketName(this, settings.prefix),
      }),
      tableArn: this.formatArn({ service: 'dynamodb', resource: 'table', resourceName: tableName(settings.prefix) }),
      keyArn: data.key.key.keyArn,
      secretArn: data.secret.secret.secretArn,
      functionQueueArns: queues,
      hostQueuesArn: this.formatArn({ service: 'sqs', resource: `${hostQueuePrefix(settings.prefix)}*` }),
      sweepMachineArn: this.formatArn({
        service: 'states',
        resource: `stateMachine:${sweepStateMachineName(settings.prefix)}`,
      }),
      hostRoleArn: this.formatArn({
        service: 'iam',
        region: '',
        resource: 'role',
        resourceName: hostRoleName(this, settings.prefix),
      }),
    };
  }

  #admitHosts(props: ComputeStackProps, targets: GrantTargets): void {
    const { observability, settings } = props;
    const issuer = this.deployed.find(({ declaration }) => declaration.grants.includes('host-credentials:issue'));
    if (issuer !== undefined) {
      new HostAccess(this, 'HostAccess', {
        settings,
        bucketArn: targets.bucketArn,
        keyArn: targets.keyArn,
        reportQueueArns: this.deployed.flatMap(({ declaration, queue }) =>
          queue !== undefined && declaration.triggers.some((trigger) => trigger.kind === 'queue' && trigger.fromHosts)
            ? [queue.queue.queueArn]
            : [],
        ),
        issuer: issuer.worker.role,
      });
    }
    const { apiId } = new HostApi(this, 'Gateway', {
      settings,
      topic: observability.topic.topic,
      targets: this.deployed.flatMap(({ declaration, worker }) =>
        declaration.triggers.flatMap((trigger) =>
          trigger.kind === 'http'
            ? [{ function: worker.function, trigger, ifThisFails: declaration.ifThisFails, runbook: declaration.name }]
            : [],
        ),
      ),
    });
    new AgentIdentity(this, 'AgentIdentity', { settings, apiId });
  }
}

function environmentOf(
  props: ComputeStackProps,
  targets: GrantTargets,
  hostDeadLetters: DeadLetterQueue,
): FunctionEnvironment {
  const { data, settings } = props;
  const { queue } = hostDeadLetters;
  const queueUrlPrefix = `${Fn.select(0, Fn.split(hostDeadLetterName(settings.prefix), queue.queueUrl))}${settings.prefix}-`;
  publish(
    hostDeadLetters,
    'QueueUrlPrefix',
    queueUrlPrefix,
    'What stands before a queue’s name; agents take it as --queue-url-prefix',
  );
  const agentRoleArn = Stack.of(hostDeadLetters).formatArn({
    service: 'iam',
    region: '',
    resource: 'role',
    resourceName: agentRoleName(hostDeadLetters, settings.prefix),
  });
  return {
    STRATA_BUCKET: data.bucket.bucket.bucketName,
    STRATA_TABLE: data.table.table.tableName,
    STRATA_QUEUE_URL_PREFIX: queueUrlPrefix,
    STRATA_HOST_DEAD_LETTER_ARN: queue.queueArn,
    STRATA_HOST_ROLE_ARN: targets.hostRoleArn,
    STRATA_AGENT_ROLE_ARNS: [agentRoleArn, ...settings.hostRoles].join(','),
    STRATA_COMMAND_SECRET_ARN: data.secret.secret.secretArn,
    STRATA_MAX_UPLOAD_BYTES: String(settings.maxUploadBytes),
    STRATA_SCAN_POLICY: settings.scanPolicy,
    STRATA_HEARTBEAT_SECONDS: String(settings.heartbeatSeconds),
    STRATA_SILENT_AFTER_MS: String(settings.silentAfterSeconds * 1000),
    STRATA_COMMAND_TTL_MS: String(settings.commandTtlSeconds * 1000),
    STRATA_PLACEMENT_POLICY: settings.placementPolicy,
    STRATA_TIER_SWEEP: settings.tierSweep,
    STRATA_TIER_POLICY: settings.tierPolicy,
    STRATA_TIER_RULES: settings.tierRules,
    STRATA_TIER_PACKING: settings.tierPacking,
    STRATA_PACK_ABOVE_BYTES: String(settings.packAboveBytes),
    STRATA_PACK_BELOW_RATIO: String(settings.packBelowPercent / 100),
    STRATA_SWEEP_BUDGET_USD: String(settings.sweepBudgetUsd),
    STRATA_SWEEP_MOST_MOVES: String(settings.sweepMostMoves),
    STRATA_RESTORE_BUDGET_USD_PER_DAY: String(settings.restoreBudgetUsdPerDay),
    STRATA_RESTORES_PER_HOUR: String(settings.restoresPerHour),
    STRATA_LIFECYCLE_RULES: settings.lifecycleRules,
    STRATA_LIFECYCLE_DELETES: settings.lifecycleDeletes,
    STRATA_LIFECYCLE_MOST_DELETES: String(settings.lifecycleMostDeletes),
    STRATA_LIFECYCLE_MOST_DELETE_BYTES: String(settings.lifecycleMostDeleteBytes),
    STRATA_SWEEP_INVENTORY_FROM: String(settings.sweepInventoryFrom),
    STRATA_SWEEP_STATE_MACHINE_ARN: targets.sweepMachineArn,
    STRATA_ORPHAN_SWEEP: settings.orphanSweep,
    STRATA_ORPHAN_GRACE_MS: String(settings.orphanGraceHours * 3_600_000),
    STRATA_UPLOAD_SWEEP: settings.uploadSweep,
    STRATA_UPLOAD_GRACE_MS: String(settings.uploadGraceHours * 3_600_000),
    STRATA_REFUSED_KEEP_MS: String(settings.refusedKeepDays * 86_400_000),
    STRATA_AUDIT_BUCKET: data.audit.bucket.bucketName,
    STRATA_AUDIT_RETENTION_MS: String(settings.auditRetentionDays * 86_400_000),
    STRATA_PRICE_LISTS: settings.priceLists,
  };
}

function pascalCase(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_match, _dash: string, letter: string) => letter.toUpperCase());
}
