/** Every look costs who answers it about as much as what is waited for. */
const MOST_PAUSE_MS = 250;

/** Repeats assertions until they hold, for what a store or a queue promises only "some time later"; seldomer the longer it takes. */
export async function eventually(assertions: () => Promise<void>, withinMs = 60_000): Promise<void> {
  const began = Date.now();
  for (;;) {
    try {
      await assertions();
      return;
    } catch (error) {
      const passedMs = Date.now() - began;
      if (passedMs > withinMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(20 + passedMs / 10, MOST_PAUSE_MS)));
    }
  }
}
