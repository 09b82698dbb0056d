/**
 * A buffer and its collector as a fluid queue: what a load of bursts loses. Calls flow in at one rate while a burst lasts,
 * out at another while the collector works, over the brim when the buffer is full. A collector that has emptied the
 * buffer sleeps for a period before it looks again, also in the midst of a burst; the first call of a burst finds it anywhere in one.
 *
 * It leaves out what averages out (the size of drain rounds, jitter) and what it cannot know (a collector that loses its
 * CPU for longer than its usual pause). Whether it holds for a backend is tested on points that it was not fitted to.
 */

/** Bursts of equal calls at equal intervals; one burst is a load that is on all the time. */
export interface BurstLoad {
  /** Of a thread at full speed, traced. */
  readonly peakPerS: number;
  readonly burstCalls: number;
  /** From the beginning of one burst to that of the next; not below what a burst takes. */
  readonly intervalMs: number;
  readonly bursts: number;
}

export interface Queue {
  readonly servedPerS: number;
  /** Calls that the buffer within reach of the workload holds. */
  readonly bufferCalls: number;
  /** From the first call in an empty buffer to when the collector works, on average: half of the period it sleeps. */
  readonly pauseMs: number;
}

/** Shares of the longest pause that stand for all: the middles of fifths. */
const PHASES = [0.1, 0.3, 0.5, 0.7, 0.9];

/** Lost calls / calls, on average. */
export function lossOf(load: BurstLoad, queue: Queue): number {
  if (queue.pauseMs === 0) return lossAfter(load, queue, 0);
  const losses = PHASES.map((share) => lossAfter(load, queue, 2 * share * queue.pauseMs));
  return losses.reduce((sum, loss) => sum + loss, 0) / PHASES.length;
}

/** `asleepMs`: what is left of the collector's sleep at the first call of a burst that finds the buffer empty. */
function lossAfter(load: BurstLoad, queue: Queue, asleepMs: number): number {
  const { burstCalls, bursts, peakPerS, intervalMs } = load;
  const { bufferCalls } = queue;
  const inMs = (burstCalls * 1000) / peakPerS;
  const arrive = peakPerS / 1000;
  const serve = queue.servedPerS / 1000;
  let waiting = 0;
  let lost = 0;
  const fill = (calls: number): void => {
    lost += Math.max(0, waiting + calls - bufferCalls);
    waiting = Math.min(waiting + calls, bufferCalls);
  };
  for (let burst = 0; burst < bursts; burst++) {
    let restAsleepMs = waiting > 0 ? 0 : asleepMs;
    let leftMs = inMs;
    const sleep = (): void => {
      const sleptMs = Math.min(restAsleepMs, leftMs);
      fill(arrive * sleptMs);
      leftMs -= sleptMs;
      restAsleepMs -= sleptMs;
    };
    sleep();
    const gaining = serve - arrive;
    if (gaining <= 0) {
      fill(-gaining * leftMs);
    } else if (waiting >= gaining * leftMs) {
      waiting -= gaining * leftMs;
    } else {
      leftMs -= waiting / gaining;
      waiting = 0;
      const periodMs = 2 * queue.pauseMs;
      const coming = arrive * periodMs;
      const kept = Math.min(coming, bufferCalls);
      // Period upon period, each emptied before the next.
      const cycleMs = periodMs + kept / gaining;
      const cycles = cycleMs > 0 ? Math.floor(leftMs / cycleMs) : 0;
      lost += cycles * (coming - kept);
      leftMs -= cycles * cycleMs;
      restAsleepMs = periodMs;
      sleep();
      waiting = Math.max(0, waiting - gaining * leftMs);
    }
    const restMs = intervalMs - inMs - restAsleepMs;
    waiting = Math.max(0, waiting - serve * Math.max(0, restMs));
    if (burst === 0 && waiting === 0) return Math.min(1, lost / burstCalls); // the others find it as the first did
  }
  return Math.min(1, lost / (burstCalls * bursts));
}

/**
 * The smallest buffer, in calls, with which such a load loses no more than `lossFraction`; null where none does, because
 * more comes on average than is served.
 */
export function bufferFor(load: BurstLoad, queue: Omit<Queue, 'bufferCalls'>, lossFraction: number): number | null {
  const enough = (bufferCalls: number): boolean => lossOf(load, { ...queue, bufferCalls }) <= lossFraction;
  const all = Math.ceil(load.burstCalls * load.bursts);
  const averagePerS = (load.burstCalls * 1000) / load.intervalMs;
  if (averagePerS * (1 - lossFraction) > queue.servedPerS || !enough(all)) return null;
  let low = 0;
  let high = all;
  if (enough(low)) return low;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
