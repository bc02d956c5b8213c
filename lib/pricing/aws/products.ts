import type { OfferCode, Wanted } from './offerFile.ts';

/** One price that a book takes from a list, and what it is there. */
export interface Quote {
  readonly from: OfferCode;
  readonly wanted: Wanted;
}

/** Where a storage class's prices are listed. Requests are listed one by one, our books count them by the thousand. */
export interface ClassQuotes {
  readonly storage: Quote;
  readonly put: Quote;
  readonly get: Quote;
  readonly transitionIn: Quote;
  readonly upload?: Quote;
  readonly monitoring?: Quote;
  /** In the order of the book's steps after idle days. */
  readonly idleSteps?: readonly Quote[];
  readonly retrieval: Readonly<Record<string, { readonly bytes?: Quote; readonly requests?: Quote }>>;
  /** Not sold in every region: left out where the list has no storage of it. */
  readonly optional?: true;
}

const STORAGE = ['GB-Mo'];
const REQUESTS = ['Requests'];
const BYTES = ['GB'];
const OBJECTS = ['Objects', 'Count'];
/** That a product has no operation is part of what it is: others share its usage type at other prices. */
const PLAIN = { operation: '' };

const s3 = (usagetype: string, units: readonly string[], attributes: Wanted['attributes'] = PLAIN): Quote => ({
  from: 'AmazonS3',
  wanted: { usagetype, attributes, units },
});
const operation = (name: string): Wanted['attributes'] => ({ operation: name });
/** Whatever its operation: where several are listed they must cost the same. */
const anyOperation: Wanted['attributes'] = {};

/** Deep Archive has a list of its own for what it stores, takes in and restores; its reads are in the list of S3. */
const deepArchive = (usagetype: string, units: readonly string[], attributes = anyOperation): Quote => ({
  from: 'AmazonS3GlacierDeepArchive',
  wanted: { usagetype, attributes, units },
});

/** The one product that is known without its region's abbreviation, which is what stands before `TimedStorage-ByteHrs` there. */
export const ANCHOR = {
  usagetype: 'TimedStorage-ByteHrs',
  attributes: { volumeType: 'Standard', storageClass: 'General Purpose' },
} as const;

/** Usage types as in https://docs.aws.amazon.com/AmazonS3/latest/userguide/aws-usage-report-understand.html */
export const CLASS_QUOTES: Readonly<Record<string, ClassQuotes>> = {
  STANDARD: {
    storage: s3(ANCHOR.usagetype, STORAGE, { ...PLAIN, volumeType: 'Standard' }),
    put: s3('Requests-Tier1', REQUESTS),
    get: s3('Requests-Tier2', REQUESTS),
    transitionIn: s3('Requests-Tier1', REQUESTS),
    retrieval: { instant: {} },
  },
  INTELLIGENT_TIERING: {
    storage: s3('TimedStorage-INT-FA-ByteHrs', STORAGE),
    put: s3('Requests-INT-Tier1', REQUESTS),
    get: s3('Requests-INT-Tier2', REQUESTS),
    transitionIn: s3('Requests-Tier4', REQUESTS, operation('S3-INTTransition')),
    monitoring: s3('Monitoring-Automation-INT', OBJECTS, anyOperation),
    idleSteps: [s3('TimedStorage-INT-IA-ByteHrs', STORAGE), s3('TimedStorage-INT-AIA-ByteHrs', STORAGE)],
    retrieval: { instant: {} },
  },
  STANDARD_IA: infrequent('SIA'),
  ONEZONE_IA: infrequent('ZIA'),
  GLACIER_IR: infrequent('GIR'),
  GLACIER: {
    storage: s3('TimedStorage-GlacierByteHrs', STORAGE),
    put: s3('Requests-GLACIER-Tier1', REQUESTS, operation('PutObject')),
    get: s3('Requests-GLACIER-Tier2', REQUESTS),
    transitionIn: s3('Requests-Tier3', REQUESTS, operation('S3-GlacierTransition')),
    retrieval: {
      expedited: { bytes: s3('Expedited-Retrieval-Bytes', BYTES), requests: s3('Requests-Tier6', REQUESTS) },
      standard: {
        bytes: s3('Standard-Retrieval-Bytes', BYTES, operation('RestoreObject')),
        requests: s3('Requests-Tier3', REQUESTS, operation('RestoreObject')),
      },
      bulk: {
        bytes: s3('Bulk-Retrieval-Bytes', BYTES, operation('RestoreObject')),
        requests: s3('Requests-Tier5', REQUESTS),
      },
    },
  },
  DEEP_ARCHIVE: {
    storage: deepArchive('TimedStorage-GDA-ByteHrs', STORAGE),
    put: deepArchive('Requests-GDA-Tier1', REQUESTS, operation('PutObject')),
    get: s3('Requests-GDA-Tier2', REQUESTS),
    transitionIn: s3('Requests-Tier3', REQUESTS, operation('S3-GDATransition')),
    retrieval: {
      standard: {
        bytes: s3('Standard-Retrieval-Bytes', BYTES, operation('DeepArchiveRestoreObject')),
        requests: deepArchive('Requests-GDA-Tier3', REQUESTS),
      },
      bulk: {
        bytes: s3('Bulk-Retrieval-Bytes', BYTES, operation('DeepArchiveRestoreObject')),
        requests: deepArchive('Requests-GDA-Tier5', REQUESTS),
      },
    },
  },
  EXPRESS_ONEZONE: {
    storage: s3('TimedStorage-XZ-ByteHrs', STORAGE, anyOperation),
    put: s3('Requests-XZ-Tier1', REQUESTS, anyOperation),
    get: s3('Requests-XZ-Tier2', REQUESTS, anyOperation),
    transitionIn: s3('Requests-XZ-Tier1', REQUESTS, anyOperation),
    upload: s3('Upload-XZ', BYTES, anyOperation),
    retrieval: { instant: { bytes: s3('Retrieval-XZ', BYTES, anyOperation) } },
    optional: true,
  },
};

/** Whether every region of AWS has the storage class. */
export const isSoldEverywhere = (name: string): boolean => CLASS_QUOTES[name]?.optional !== true;

/** Bytes that leave the region for the internet. */
export const internetOut = (region: string): Quote => ({
  from: 'AWSDataTransfer',
  wanted: {
    usagetype: 'DataTransfer-Out-Bytes',
    attributes: { fromRegionCode: region, transferType: 'AWS Outbound', toLocation: 'External' },
    units: BYTES,
  },
});

function infrequent(short: 'SIA' | 'ZIA' | 'GIR'): ClassQuotes {
  return {
    storage: s3(`TimedStorage-${short}-ByteHrs`, STORAGE),
    put: s3(`Requests-${short}-Tier1`, REQUESTS),
    get: s3(`Requests-${short}-Tier2`, REQUESTS),
    transitionIn: s3('Requests-Tier4', REQUESTS, operation(`S3-${short}Transition`)),
    retrieval: { instant: { bytes: s3(`Retrieval-${short}`, BYTES) } },
  };
}
