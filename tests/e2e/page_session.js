// A shopper's whole session by fetch, as a page of another origin does it. Returns what it saw.
async ({url, password}) => {
  const key = () => ({"Idempotency-Key": crypto.randomUUID()});
  const ask = async (method, path, body, headers = {}) => {
    const type = body ? {"Content-Type": "application/json"} : {};
    const answer = await fetch(url + path, {method, headers: {...type, ...headers}, body: body && JSON.stringify(body)});
    const text = await answer.text();
    return {
      status: answer.status, body: text && JSON.parse(text), token: answer.headers.get("Consistency-Token"),
      etag: answer.headers.get("ETag"), id: answer.headers.get("Request-Id"), retry: answer.headers.get("Retry-After"),
    };
  };
  const again = async (step, good) => {
    for (let turn = 0; turn < 100; turn++) {
      const answer = await step();
      if (good(answer)) return answer;
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    throw new Error("it did not come");
  };
  const account = {email: `${crypto.randomUUID()}@shop.example`, password, locale: "en"};
  const registered = await ask("POST", "/v1/users", account, key());
  const login = {email: account.email, password};
  const session = await again(() => ask("POST", "/v1/sessions", login, key()), answer => answer.status === 201);
  const bearer = {Authorization: `Bearer ${session.body.access_token}`};
  const listing = await ask("GET", "/v1/products?limit=3&in_stock=true&sort=-price");
  const known = await ask("GET", "/v1/products?limit=3&in_stock=true&sort=-price", null, {"If-None-Match": listing.etag});
  const line = {product_id: listing.body.items[0].product_id, quantity: 1};
  const added = await ask("POST", "/v1/cart/items", line, {...bearer, ...key()});
  const changed = await ask("PUT", `/v1/cart/items/${line.product_id}`, {quantity: 2}, {...bearer, ...key()});
  const cart = await ask("GET", "/v1/cart", null, {...bearer, "Consistency-Token": changed.token});
  const order = await ask("POST", "/v1/orders", {
    expected_total: cart.body.totals.items, payment: {method_token: "pm_approve"},
  }, {...bearer, ...key(), "If-Match": cart.etag, Prefer: "wait=5"});
  const path = `/v1/orders/${order.body.order_id}`;
  const confirmed = await again(() => ask("GET", path, null, bearer), answer => answer.body.status === "CONFIRMED");
  const refused = await fetch(url + "/v1/cart/items", {
    method: "POST", headers: {"Content-Type": "application/json", ...bearer, ...key()}, body: "x".repeat(70000)});
  return {
    registered: registered.status, listing: listing.status, known: known.status, added: added.status, order: order.status,
    quantity: cart.body.lines[0].quantity, status: confirmed.body.status, refused: refused.status,
    problem: (await refused.json()).type, tokens: [listing, added, cart].map(answer => Boolean(answer.token && answer.id)),
  };
}
