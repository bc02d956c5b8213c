import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import { HttpCall } from '../../events/aws/httpCall.v1.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { type HandlerDeps, type Invocation, invocationOf } from './invocation.ts';
import { reportError, reportFailure, WITHOUT_TIMER } from './middleware.ts';

export interface HttpRequest {
  readonly method: string;
  /** Decoded no further than the runtime did; without the query. */
  readonly path: string;
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The ARN that IAM authenticated; absent on routes that authenticate in the function. */
  readonly callerArn?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpHandlerOptions {
  readonly name: string;
  readonly answer: (request: HttpRequest, invocation: Invocation) => Promise<HttpAnswer>;
  /** The answer to whatever `answer` threw; it must tell outsiders nothing about the inside. */
  readonly problem: (error: unknown, requestId: string) => HttpAnswer;
}

export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type HttpHandler = (event: unknown, context: Context) => Promise<HttpResult>;

/** Handles one HTTP call in Lambda's payload format 2.0 (function URL and HTTP API alike). */
export function httpHandler(deps: HandlerDeps, options: HttpHandlerOptions): HttpHandler {
  return createMiddy<unknown, HttpResult>(WITHOUT_TIMER)
    .use(reportFailure(deps, options.name))
    .handler(async (event: unknown, context: Context): Promise<HttpResult> => {
      const invocation = invocationOf(deps, options.name, context);
      let answer: HttpAnswer;
      try {
        answer = await options.answer(requestOf(event), invocation);
      } catch (error) {
        answer = options.problem(error, invocation.requestId);
        if (answer.status >= 500) reportError(invocation.telemetry, options.name, 'request-failed', error);
      }
      const headers = { 'content-type': 'application/json', 'x-request-id': invocation.requestId, ...answer.headers };
      return { statusCode: answer.status, headers, body: answer.body };
    });
}

function requestOf(event: unknown): HttpRequest {
  const call = HttpCall.safeParse(event);
  if (!call.success) {
    throw new ContractError({
      code: 'invalid-message',
      message: 'The call is no HTTP request in payload format 2.0.',
      retryable: false,
      cause: call.error,
    });
  }
  const { rawPath, rawQueryString, headers, body, isBase64Encoded, requestContext } = call.data;
  const arn = requestContext.authorizer?.iam?.userArn;
  return {
    method: requestContext.http.method,
    path: rawPath,
    query: rawQueryString ?? '',
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    body: isBase64Encoded === true ? Buffer.from(body ?? '', 'base64').toString('utf8') : (body ?? ''),
    ...(arn === undefined || arn === null ? {} : { callerArn: arn }),
  };
}
