// session.ts - a whole shopping session with a client whose types are generated from the document.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[]; exitCode: number };

const [url, password] = process.argv.slice(2) as [string, string];
const shop = createClient<paths>({ baseUrl: url });
const key = () => ({ "Idempotency-Key": crypto.randomUUID() });

function good<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

async function main() {
  const body = { email: `${crypto.randomUUID()}@shop.example`, password };
  good(await shop.POST("/v1/users", { params: { header: key() }, body }));
  const session = good(await shop.POST("/v1/sessions", { body }));
  const headers = { Authorization: `Bearer ${session.access_token}` };

  const page = good(await shop.GET("/v1/products", { params: { query: { sort: "-price", in_stock: true, limit: 100 } } }));
  let product = undefined;
  for (const item of page.items) {
    const path = { id: item.product_id };
    const stock = good(await shop.GET("/v1/products/{id}/availability", { params: { path } }));
    if (stock.band === "in_stock") product = item;
  }
  if (!product) throw new Error("no product is in stock");
  const cart = good(await shop.POST("/v1/cart/items", {
    params: { header: key() }, headers, body: { product_id: product.product_id, quantity: 2 },
  }));
  const total = "totals" in cart ? cart.totals?.items : undefined;  // A 202 has none: the outcome is late.
  if (!total) throw new Error("the cart has no total");
  const order = good(await shop.POST("/v1/orders", {
    params: { header: { ...key(), Prefer: "wait=10" } }, headers,
    body: { expected_total: { amount_minor: total.amount_minor, currency: total.currency }, payment: { method_token: "pm_approve" } },
  }));
  if (!("order_id" in order) || !order.order_id) throw new Error("the order is late");
  const path = { id: order.order_id };
  for (let i = 0; i < 100; i++) {
    const confirmation = await shop.GET("/v1/orders/{id}/confirmation", { params: { path }, headers });
    if (confirmation.data) {
      console.log(`confirmed ${confirmation.data.confirmation_no}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("not confirmed within 10 s");
}

main().catch((error) => {
  console.log(String(error));
  process.exitCode = 1;
});
