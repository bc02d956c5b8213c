import { createReadStream, statSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SAMPLES } from '../runtime/samples/index.ts';
import { userFile } from '../runtime/start/push.ts';
import { isPrepared, publishedModelFile } from './services/places.ts';
import type { LocalAws } from './localAws.ts';

export interface LocalUpload {
  readonly key: string;
  readonly expected: 'cached' | 'quarantined';
  readonly bytes: number;
  readonly body: () => Uint8Array | ReturnType<typeof createReadStream>;
}

/** The samples of `npm start`, the published model where it is prepared, and the user's own files. */
export function plannedUploads(models: readonly string[]): readonly LocalUpload[] {
  const samples = SAMPLES.map(({ key, expected, content }): LocalUpload => {
    const body = Buffer.concat([...content()]);
    return { key, expected, bytes: body.length, body: () => body };
  });
  const published = isPrepared('published-model') ? [fromFile('uploads/all-minilm-l6-v2/1.0.0/model.safetensors')] : [];
  return [...samples, ...published, ...models.map((path) => fromFile(userFile(path).key, path))];
}

function fromFile(key: string, path = publishedModelFile()): LocalUpload {
  return { key, expected: 'cached', bytes: statSync(path).size, body: () => createReadStream(path) };
}

/** As `aws s3 cp` does it; answers the version that the bucket gave the object. */
export async function upload(aws: LocalAws, { key, body, bytes }: LocalUpload): Promise<string> {
  const { VersionId } = await aws.clients.s3.send(
    new PutObjectCommand({ Bucket: aws.outputs.BucketName, Key: key, Body: body(), ContentLength: bytes }),
  );
  return VersionId ?? 'null';
}
