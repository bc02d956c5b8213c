import type { Json } from '../shared/canonicalJson.ts';
import { SignedEnvelope } from '../../events/signed-envelope/v1.ts';

const REDACTED = '[redacted]';
/** Names under which secrets travel, whatever stands before or after. */
const SECRET_NAME =
  /secret|token(?!iz)|password|passwd|credential|authorization|cookie|signature|private[-_]?key|access[-_]?key|api[-_]?key/i;
/** Of presigned URLs of S3 and stores like it, and of what else grants by knowing it. */
const SECRET_PARAMETER =
  /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|key|(?:access_|id_)?token|password)=)[^&\s"'#]+/gi;
const JOIN_TOKEN = /strata-join-[0-9a-f]+/g;
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi;
/** The scheme's length is bounded, or a long text without any would take a time that grows with its square. */
const USER_INFO = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s@]+@/gi;
/** Deeper nests than any message of ours are not followed. */
const MOST_DEPTH = 20;

/**
 * A message's body as people may see it: JSON where it is that, what an envelope carries in place of its signed text, and no
 * secret, token, signature or right to a presigned URL in it.
 */
export function redacted(body: string): Json {
  const parsed = jsonOf(body);
  if (parsed === undefined) return redactedText(body);
  const envelope = SignedEnvelope.safeParse(parsed);
  if (!envelope.success) return redactedValue(parsed, 0);
  const { schema, keyId, payload } = envelope.data;
  return { schema, keyId, payload: redactedValue(jsonOf(payload) ?? payload, 1), signature: REDACTED };
}

function redactedValue(value: Json, depth: number): Json {
  if (typeof value === 'string') return redactedString(value, depth);
  if (value === null || typeof value !== 'object') return value;
  if (depth > MOST_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item: Json) => redactedValue(item, depth + 1));
  const shown = Object.entries(value).flatMap(([name, item]): [string, Json][] =>
    item === undefined ? [] : [[name, SECRET_NAME.test(name) ? REDACTED : redactedValue(item, depth + 1)]],
  );
  // By assignment a member `__proto__` would be none.
  return Object.fromEntries(shown);
}

/** JSON within JSON, as SNS and EventBridge targets carry it, is looked into. */
function redactedString(text: string, depth: number): string {
  const inner = /^\s*[[{]/.test(text) && depth < MOST_DEPTH ? jsonOf(text) : undefined;
  return inner === undefined ? redactedText(text) : JSON.stringify(redactedValue(inner, depth + 1));
}

export function redactedText(text: string): string {
  return text
    .replaceAll(SECRET_PARAMETER, `$1${REDACTED}`)
    .replaceAll(JOIN_TOKEN, REDACTED)
    .replaceAll(BEARER, `$1 ${REDACTED}`)
    .replaceAll(USER_INFO, `$1${REDACTED}@`);
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
