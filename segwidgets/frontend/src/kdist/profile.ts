/** Clusters and noise over ascending eps, as Python's density profile gives them. */
export interface Profile {
  eps: Float32Array;
  clusters: Float32Array;
  noise: Float32Array;
}

/** Rows of (eps, clusters, noise). */
export function unpackProfile(rows: Float32Array): Profile {
  const length = Math.floor(rows.length / 3);
  const column = (at: number): Float32Array => Float32Array.from({ length }, (_, i) => rows[3 * i + at] as number);
  return { eps: column(0), clusters: column(1), noise: column(2) };
}

/** The place of the last grid eps that is not above `eps`; -1 below the grid. */
export function placeOf(profile: Profile, eps: number): number {
  let low = 0;
  let high = profile.eps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    // A breath of tolerance: the grid is float32.
    if ((profile.eps[middle] as number) <= eps * (1 + 1e-6)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Clusters and noise share at `eps`: those of the nearest eps of the grid below, null outside of the grid. */
export function at(profile: Profile, eps: number): { clusters: number; noise: number } | null {
  const place = placeOf(profile, eps);
  const last = profile.eps.length - 1;
  if (place < 0 || (place === last && eps > (profile.eps[last] as number) * 1.01)) return null;
  return { clusters: profile.clusters[place] as number, noise: profile.noise[place] as number };
}

/** The largest number of clusters, at least 1: the top of their axis. */
export function mostClusters(profile: Profile): number {
  return profile.clusters.reduce((most, value) => Math.max(most, value), 1);
}
