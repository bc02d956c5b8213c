/** What is known to differ from libCacheSim, up to which relative deviation of a miss ratio, and why. */
export const DIFFERENCES: Readonly<Record<string, { readonly upTo: number; readonly why: string }>> = {
  'lfu-da': { upTo: 0.03, why: 'it adds the age to an object’s count at every hit; the paper adds it once' },
  lhd: {
    upTo: 1,
    why: 'it refits every 2²⁰ accesses, that is never here; ours every 4,096, with fewer and finer ages',
  },
  lecar: { upTo: 0.03, why: 'other random draws; its regret is discounted per byte of the capacity, ours per object' },
  wtinylfu: { upTo: 0.65, why: 'its sketch counts main-space hits and window evictions, the paper counts accesses' },
  belady: { upTo: 0.12, why: 'ours refuses a newcomer that is used later than its victims' },
  beladysize: { upTo: 0.02, why: 'it draws 128 samples, ours scans' },
  'pfoo-l': { upTo: 0.07, why: 'ours takes the smallest size so far where an object changes its size' },
};
