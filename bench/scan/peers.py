"""Runs the other scanners over a folder: peers.py FOLDER [EVERY]; one JSON object per scanner and file on stdout, in this process."""
import contextlib, io, json, logging, pathlib, sys, time, warnings

warnings.filterwarnings('ignore')
logging.disable(logging.CRITICAL)


def picklescan():
    from picklescan.scanner import scan_file_path

    def scan(path):
        result = scan_file_path(path)
        return 'clean' if result.infected_files == 0 and not result.scan_err else 'flagged'
    return scan


def fickling():
    import fickling

    def scan(path):
        try:
            return 'clean' if fickling.is_likely_safe(path) else 'flagged'
        except Exception:
            return 'error'
    return scan


def modelscan():
    from modelscan.modelscan import ModelScan
    from modelscan.settings import DEFAULT_SETTINGS

    def scan(path):
        report = ModelScan(settings=DEFAULT_SETTINGS).scan(path)
        summary = report['summary']
        if summary['total_issues'] > 0:
            return 'flagged'
        if report.get('errors'):
            return 'error'
        return 'skipped' if summary['skipped']['total_skipped'] > 0 and summary['scanned']['total_scanned'] == 0 else 'clean'
    return scan


def modelaudit():
    from modelaudit.core import scan_model_directory_or_file

    def scan(path):
        result = scan_model_directory_or_file(path)
        result = result if isinstance(result, dict) else result.model_dump()
        issues = [issue for issue in result.get('issues', []) if str(issue.get('severity')).split('.')[-1].lower() in ('warning', 'critical')]
        return 'flagged' if issues else ('clean' if result.get('success', True) else 'error')
    return scan


files = sorted(path for path in pathlib.Path(sys.argv[1]).rglob('*') if path.is_file())[::int(sys.argv[2]) if len(sys.argv) > 2 else 1]
for make in (picklescan, fickling, modelscan, modelaudit):
    try:
        scan = make()
    except ImportError:
        continue
    for path in files:
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                verdict = scan(str(path))
        except BaseException as error:
            verdict = 'interrupted' if isinstance(error, KeyboardInterrupt) else 'error'
        print(json.dumps({'scanner': make.__name__, 'file': str(path), 'verdict': verdict, 'seconds': time.perf_counter() - start}), flush=True)
