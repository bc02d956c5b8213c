import { targetsOf } from '../../cli/scan/sources.ts';
import { scanTarget } from '../../cli/scan/scanFile.ts';

/** `node bench/scan/worker.ts FOLDER`: one JSON object per file, with its seconds and the process's peak of memory so far. */
for await (const target of targetsOf(process.argv[2] ?? '.')) {
  const start = performance.now();
  const { file, verdict, reasons } = await scanTarget(target, 9);
  const seconds = (performance.now() - start) / 1000;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(
    `${JSON.stringify({ scanner: 'strata', file, verdict, seconds, peakBytes, rule: reasons[0]?.rule })}\n`,
  );
}
