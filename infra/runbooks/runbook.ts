import { purge } from '../../functions/purge/function.ts';
import { startRescan } from '../../functions/start-rescan/function.ts';
import {
  type FunctionDeclaration,
  queueDeadLetters,
  scheduleDeadLetters,
  type ScheduleTime,
  streamDeadLetters,
  type Trigger,
} from '../../functions/shared/declaration.ts';

/** One line of a runbook's table of alarms; the names are those of a deployment with the default prefix. */
interface AlarmLine {
  readonly alarm: string;
  readonly means: string;
  readonly look: string;
}

const PREFIX = 'strata';

/** Of what a function reports itself. */
const OWN_ALARMS: Readonly<Record<string, readonly AlarmLine[]>> = {
  [purge.name]: [
    {
      alarm: `${PREFIX}-purge-stuck`,
      means: 'the bucket has another object than was judged; told once a day, when it is tried again',
      look: '`strata doctor` for the version, `strata explain NAME@VERSION` for what differs; who wrote that object, and whether it may go: once it is removed, or the catalog has it right, the next try ends',
    },
  ],
  [startRescan.name]: [
    {
      alarm: `${PREFIX}-rescans-endless`,
      means:
        'two or more re-scans started in each of three hours in a row, where a deployment with other rules leads to three at most',
      look: `which function runs another release or policy than the rest: \`LastModified\` and \`STRATA_SCAN_POLICY\` of \`${PREFIX}-ingest\`, \`-scan\`, \`-digest\`, \`-rescan\` and \`-start-rescan\` (\`aws lambda get-function-configuration --function-name NAME\`); deploy the stack \`compute\` as a whole, and re-scans end with the next one`,
    },
  ],
};

/** The runbook of a function, from its declaration; `npm run runbooks` writes it and a test compares. */
export function runbookOf(declaration: FunctionDeclaration): string {
  const { ifThisFails, name, purpose, triggers } = declaration;
  const alarms = [
    ...functionAlarms(name),
    ...triggers.flatMap((trigger) => triggerAlarms(name, trigger)),
    ...(OWN_ALARMS[name] ?? []),
  ];
  const lines = alarms.map(({ alarm, means, look }) => `| \`${alarm}\` | ${means} | ${look} |`);
  return `# ${name}

${purpose}

**If this fails,** ${ifThisFails}

Started by ${triggers.map(startedBy).join('; ')}.

| alarm | means | first look |
| --- | --- | --- |
${lines.join('\n')}

Log: \`/aws/lambda/${PREFIX}-${name}\`. Every line carries \`requestId\`, and \`correlationId\` where a message has one, from the upload to the
host's receipt. CloudWatch Logs Insights:

    fields @timestamp, level, message, code, error, correlationId
    | filter level in ["WARN", "ERROR"]
    | sort @timestamp desc
`;
}

function functionAlarms(name: string): readonly AlarmLine[] {
  return [
    {
      alarm: `${PREFIX}-${name}-errors`,
      means: 'calls failed as a whole in two periods of five minutes',
      look: 'the log for `invocation-failed`; a deployment that began then is the first suspect',
    },
    {
      alarm: `${PREFIX}-${name}-throttles`,
      means: 'calls were refused capacity for 15 minutes',
      look: 'the account’s concurrent executions and their quota',
    },
  ];
}

function triggerAlarms(name: string, trigger: Trigger): readonly AlarmLine[] {
  switch (trigger.kind) {
    case 'queue':
      return [
        {
          alarm: `${PREFIX}-${queueDeadLetters(trigger.queue)}-not-empty`,
          means: `a message failed ${trigger.maxReceiveCount} times`,
          look: `\`strata dlq show ${trigger.queue}\`, its correlation id in the log; after the repair \`strata dlq redrive ${trigger.queue}\`; what no repair makes readable stays for 14 days, or until \`aws sqs purge-queue\``,
        },
        {
          alarm: `${PREFIX}-${trigger.queue}-late`,
          means: 'messages wait longer than twice their visibility',
          look: `throttles, the log, then whether ${trigger.maxConcurrency} batches at once are still enough`,
        },
      ];
    case 'schedule':
      return [
        {
          alarm: `${PREFIX}-${scheduleDeadLetters(name)}-not-empty`,
          means: 'a run failed three times, or could not be started within an hour',
          look: `the log for \`invocation-failed\`, throttles, the schedule’s role; the next run makes up for it, or \`strata dlq redrive ${name}-schedule\` calls it now`,
        },
      ];
    case 'outbox-stream':
      return [
        {
          alarm: `${PREFIX}-${streamDeadLetters(name)}-not-empty`,
          means: 'a batch of the catalog’s stream was given up after three tries',
          look: `the log; the schedule sends what the stream missed; \`strata dlq redrive ${name}-stream\` has it do so now and empties the queue`,
        },
      ];
    case 'inventory-map':
      return [
        {
          alarm: `${PREFIX}-${name}-map-failed`,
          means: `no inventory was found, or more than ${trigger.toleratedFailures} % of the batches failed six times`,
          look: 'the execution’s error and the failed children of its map run; after the repair `aws stepfunctions redrive-execution --execution-arn …` runs only those again',
        },
        {
          alarm: `${PREFIX}-${name}-map-timed-out`,
          means: 'a sweep took longer than 20 hours',
          look: `throttles of the function and of the catalog, then whether ${trigger.mostAtOnce} batches at once are still enough`,
        },
      ];
    case 'batch-operations':
      return [];
    case 'http':
      return [
        {
          alarm: `${PREFIX}-hosts-api-5xx`,
          means: 'five or more calls of hosts met a server error within five minutes',
          look: 'the log by the request id that agents print, and `/aws/apigateway/strata-hosts`',
        },
      ];
    default:
      return unknownTrigger(trigger);
  }
}

function startedBy(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'queue':
      return trigger.objectEvents === undefined
        ? `queue \`${trigger.queue}\``
        : `queue \`${trigger.queue}\`, which also gets the bucket’s events below \`${trigger.objectEvents.keyPrefix}\``;
    case 'schedule':
      return `schedule \`${trigger.schedule}\` (${scheduleText(trigger.at)})`;
    case 'outbox-stream':
      return 'new outbox rows in the catalog’s stream';
    case 'inventory-map':
      return `a distributed map over the bucket’s S3 Inventory, ${trigger.rowsPerBatch} rows a call, ${trigger.mostAtOnce} calls at once`;
    case 'batch-operations':
      return 'jobs of S3 Batch Operations';
    case 'http':
      return trigger.routes.map(({ method, path }) => `\`${method} ${path}\``).join(', ');
    default:
      return unknownTrigger(trigger);
  }
}

function scheduleText(at: ScheduleTime): string {
  if ('everyMinutes' in at) return at.everyMinutes === 1 ? 'every minute' : `every ${at.everyMinutes} minutes`;
  if ('dailyUtc' in at) return `daily at ${at.dailyUtc} UTC`;
  if ('weeklyUtc' in at) return `${at.weeklyUtc.day} at ${at.weeklyUtc.at} UTC`;
  return `day ${at.monthlyUtc.day} of the month at ${at.monthlyUtc.at} UTC`;
}

function unknownTrigger(trigger: never): never {
  throw new TypeError(`No runbook text for ${JSON.stringify(trigger)}.`);
}
