import { HeatMapView } from "./heatmap/view";
import type { HeatMapTraits } from "./heatmap/cells";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<HeatMapTraits>): () => void {
    const view = new HeatMapView(model, el);
    return () => view.dispose();
  },
};
