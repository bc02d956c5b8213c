export type { HostCredentialIssuer } from './hostCredentials.ts';
export {
  type CommandReader,
  type EnvelopeRefusal,
  generateKeyPair,
  hostKeyId,
  type OpenedCommand,
  openCommand,
  signEnvelope,
  type VerifiedEnvelope,
  verifyEnvelope,
} from './signing.ts';
