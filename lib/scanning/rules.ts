export type Severity = 'suspicious' | 'unscanned' | 'invalid' | 'malicious';

export interface Rule {
  readonly severity: Severity;
  /** What an operator or an author can do about it. */
  readonly fix?: string;
}

const CONVERT = 'Convert the weights to safetensors on a machine that may be lost, and upload that file.';
const REWRITE = 'Write the file again with the current version of the library that made it.';

/** Every rule that a verdict can name. Ids are append-only: reports, policies and SARIF consumers refer to them. */
export const RULES = {
  'file.empty': { severity: 'invalid' },
  'file.unknown-format': {
    severity: 'unscanned',
    fix: 'Upload one of the supported formats; see lib/scanning/README.md.',
  },
  'file.unsupported': { severity: 'unscanned', fix: CONVERT },
  'file.too-large': {
    severity: 'unscanned',
    fix: 'Upload less in one file; convert weights to safetensors on a machine that may be lost.',
  },
  'file.budget': { severity: 'unscanned', fix: 'Scan again with a larger budget.' },
  'file.deadline': { severity: 'unscanned', fix: 'Scan again with a later deadline.' },
  'file.scanner-error': { severity: 'unscanned', fix: 'Report the file: the scanner must not fail on any input.' },
  'file.unreadable': { severity: 'unscanned', fix: 'Check the path and its permissions.' },
  'file.misnamed': {
    severity: 'invalid',
    fix: 'Upload the file that the name promises, not a pointer to it or a page about it; or name this one by what it holds.',
  },
  'file.changed': { severity: 'unscanned', fix: 'Scan again when nobody writes to the file.' },
  'polyglot.second-format': { severity: 'malicious', fix: REWRITE },
  'safetensors.header': { severity: 'invalid', fix: REWRITE },
  'safetensors.tensor': { severity: 'invalid', fix: REWRITE },
  'safetensors.layout': { severity: 'invalid', fix: REWRITE },
  'gguf.header': { severity: 'invalid', fix: REWRITE },
  'gguf.metadata': { severity: 'invalid', fix: REWRITE },
  'gguf.tensor': { severity: 'invalid', fix: REWRITE },
  'gguf.layout': { severity: 'invalid', fix: REWRITE },
  'gguf.version': { severity: 'unscanned', fix: 'Convert the file to GGUF version 3, little endian.' },
  'pickle.dangerous-import': { severity: 'malicious', fix: CONVERT },
  'pickle.dangerous-call': { severity: 'malicious', fix: CONVERT },
  'pickle.unknown-import': { severity: 'suspicious', fix: CONVERT },
  'pickle.unknown-call': { severity: 'suspicious', fix: CONVERT },
  'pickle.computed-call': { severity: 'malicious', fix: CONVERT },
  'pickle.hidden-import': { severity: 'malicious', fix: CONVERT },
  'pickle.argument': { severity: 'malicious', fix: CONVERT },
  'pickle.state': { severity: 'malicious', fix: CONVERT },
  'pickle.misuse': { severity: 'suspicious', fix: REWRITE },
  'pickle.persistent-id': { severity: 'suspicious', fix: CONVERT },
  'pickle.extension': { severity: 'suspicious', fix: CONVERT },
  'pickle.payload': { severity: 'suspicious', fix: CONVERT },
  'pickle.nested': { severity: 'malicious', fix: CONVERT },
  'pickle.frame': { severity: 'malicious', fix: REWRITE },
  'pickle.bomb': { severity: 'malicious', fix: REWRITE },
  'pickle.trailing': { severity: 'suspicious', fix: REWRITE },
  'pickle.tensor': { severity: 'invalid', fix: REWRITE },
  'pickle.malformed': { severity: 'invalid', fix: REWRITE },
  'zip.malformed': { severity: 'invalid', fix: REWRITE },
  'zip.ambiguous': { severity: 'malicious', fix: REWRITE },
  'zip.mismatch': { severity: 'malicious', fix: REWRITE },
  'zip.duplicate': { severity: 'malicious', fix: REWRITE },
  'zip.hidden': { severity: 'malicious', fix: REWRITE },
  'zip.crc': { severity: 'invalid', fix: REWRITE },
  'zip.encrypted': { severity: 'unscanned', fix: 'Upload the archive without encryption.' },
  'archive.path': { severity: 'malicious', fix: REWRITE },
  'archive.link': { severity: 'malicious', fix: REWRITE },
  'archive.depth': { severity: 'unscanned', fix: 'Upload the files without the archives around them.' },
  'archive.bomb': { severity: 'malicious' },
  'archive.corrupt': { severity: 'invalid', fix: REWRITE },
  'archive.trailing': { severity: 'suspicious', fix: REWRITE },
  'tar.malformed': { severity: 'invalid', fix: REWRITE },
  'torch.record': { severity: 'invalid', fix: REWRITE },
  'torch.export': { severity: 'malicious', fix: 'Export the program again with torch.export.' },
  'torchscript.operator': { severity: 'suspicious', fix: CONVERT },
  'npy.malformed': { severity: 'invalid', fix: REWRITE },
  'keras.malformed': { severity: 'invalid', fix: REWRITE },
  'keras.code': {
    severity: 'malicious',
    fix: 'Replace the layer by one of Keras, or ship its code with the application.',
  },
  'keras.custom-object': { severity: 'suspicious', fix: 'Use layers of Keras, or ship the code with the application.' },
  'keras.outside-file': { severity: 'malicious', fix: 'Store the vocabulary inside of the model.' },
  'hdf5.malformed': { severity: 'invalid', fix: REWRITE },
  'hdf5.unsupported': { severity: 'unscanned', fix: 'Save the file again with h5py in its default settings.' },
  'hdf5.outside-file': { severity: 'malicious', fix: 'Store the data inside of the file.' },
  'onnx.malformed': { severity: 'invalid', fix: REWRITE },
  'onnx.tensor': { severity: 'invalid', fix: REWRITE },
  'onnx.external-path': { severity: 'malicious', fix: 'Name external data by a plain file name beside the model.' },
  'onnx.custom-operator': { severity: 'suspicious', fix: 'Export with operators of the ONNX standard.' },
  'metadata.script': { severity: 'suspicious', fix: 'Remove the entry from the metadata.' },
  'text.script': { severity: 'suspicious', fix: 'Ship code with the application, not with the model.' },
  'text.unsafe-tag': { severity: 'malicious', fix: 'Remove the tag or the entity.' },
  'file.executable': { severity: 'malicious' },
  'json.malformed': { severity: 'invalid' },
  'json.code': { severity: 'suspicious', fix: 'Remove the reference to remote code.' },
  'tensorflow.operator': { severity: 'malicious', fix: 'Export the graph without operators that read, write or run.' },
  'template.escape': { severity: 'malicious', fix: 'Replace the chat template by the one of the original model.' },
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof RULES;
