import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

const MOST_ISSUES = 3;
const MOST_OPTIONS = 12;

/** What of a value from outside has not the shape that its schema wants, for people: the field, and what was expected there. */
export function describeIssues(issues: readonly Issue[]): string {
  const told = issues.slice(0, MOST_ISSUES).map((issue) => {
    const field = issue.path.map(String).join('.');
    return field === '' ? `it ${describeIssue(issue)}` : `"${field}" ${describeIssue(issue)}`;
  });
  const more = issues.length > MOST_ISSUES ? [`and ${issues.length - MOST_ISSUES} more`] : [];
  return [...told, ...more].join('; ');
}

/** The same of one issue, without its field. */
export function describeIssue(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `must fit ${issue.pattern ?? 'a pattern'}`
        : `must be ${formatOf(issue.format)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `has fields that nobody knows: ${issue.keys.slice(0, MOST_OPTIONS).join(', ')}`;
    case 'invalid_value':
      return `must be ${optionsOf(issue.values)}`;
    case 'invalid_union':
      return `must be ${optionsOf(issue.errors.flat().flatMap((one) => (one.code === 'invalid_value' ? one.values : [])))}`;
    case 'invalid_key':
    case 'invalid_element':
      return `must not be called so: ${describeIssues(issue.issues)}`;
    case 'custom':
      return issue.message === 'Invalid input' ? 'is not right' : issue.message;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const formatOf = (format: string): string => (format === 'date' ? 'a date such as 2026-11-20' : `a valid ${format}`);

const unitOf = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' of them' : '');

function optionsOf(values: readonly unknown[]): string {
  if (values.length === 0) return 'of one of several shapes';
  const shown = values.slice(0, MOST_OPTIONS).map((value) => JSON.stringify(value));
  return shown.length === 1 ? `${shown[0]}` : `one of ${shown.join(', ')}`;
}
