import { KDistanceView, type KDistanceTraits } from "./kdist/view";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<KDistanceTraits>): () => void {
    const view = new KDistanceView(model, el);
    return () => view.dispose();
  },
};
