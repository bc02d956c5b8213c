export type { HostCredentialIssuer } from './hostCredentials.ts';
