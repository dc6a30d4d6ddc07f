package millrace.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import millrace.cart.CartLine;
import millrace.cart.CartLineChanged;
import millrace.cart.CartState;
import millrace.cart.CartTotal;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TaskMetadata;
import org.apache.kafka.streams.ThreadMetadata;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The fold of bench/cart/cart_workload.h on Kafka Streams: exactly-once, a store in RocksDB with a changelog, one output
 * per event. It takes the words of bench/cart/cart_fold.c and prints its lines.
 *
 * <pre>BROKERS APPLICATION STATE_DIR EVENTS TOTALS [THREADS [COMMIT_MS [SETTING=VALUE ...]]]</pre>
 */
public final class CartFold {
    private static final String STORE = "cart-store";
    private static final int LINES_MAX = 20;
    private static final int TICK_MS = 10;
    private static final AtomicBoolean hasFirst = new AtomicBoolean();

    private CartFold() {
    }

    private static synchronized void say(String kind, Object what) {
        System.out.println(kind + " " + System.currentTimeMillis() + " " + what);
        System.out.flush();
    }

    private static final class Fold implements Processor<String, CartLineChanged, String, CartTotal> {
        private ProcessorContext<String, CartTotal> context;
        private KeyValueStore<String, CartState> store;

        @Override
        public void init(ProcessorContext<String, CartTotal> given) {
            context = given;
            store = given.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, CartLineChanged> record) {
            CartLineChanged event = record.value();
            CartState cart = store.get(record.key());
            if (cart == null) {
                cart = new CartState(event.getCartId(), new ArrayList<>(LINES_MAX), 0L, 0L);
            }
            changeLine(cart.getLines(), event);
            long total = 0;
            for (CartLine line : cart.getLines()) {
                total += line.getQuantity() * line.getUnitPriceMinor();
            }
            cart.setTotalMinor(total);
            cart.setVersion(cart.getVersion() + 1);
            store.put(record.key(), cart);
            context.forward(record.withValue(new CartTotal(cart.getCartId(), total, cart.getVersion())));
            if (!hasFirst.get() && hasFirst.compareAndSet(false, true)) {
                say("EV", "first");
            }
        }

        private static void changeLine(List<CartLine> lines, CartLineChanged event) {
            for (int i = 0; i < lines.size(); i++) {
                CartLine line = lines.get(i);
                if (!line.getSku().equals(event.getSku())) {
                    continue;
                }
                line.setQuantity(line.getQuantity() + event.getQuantity());
                line.setUnitPriceMinor(event.getUnitPriceMinor());
                if (line.getQuantity() <= 0) {
                    lines.remove(i);
                }
                return;
            }
            if (event.getQuantity() > 0) {
                lines.add(new CartLine(event.getSku(), event.getQuantity(), event.getUnitPriceMinor()));
                if (lines.size() > LINES_MAX) {
                    lines.remove(0);
                }
            }
        }
    }

    private static Topology topology(String events, String totals) {
        FramedAvro<CartLineChanged> event = new FramedAvro<>(1, CartLineChanged.getClassSchema());
        FramedAvro<CartTotal> total = new FramedAvro<>(2, CartTotal.getClassSchema());
        FramedAvro<CartState> state = new FramedAvro<>(3, CartState.getClassSchema());
        return new Topology()
            .addSource("in", Serdes.String().deserializer(), event, events)
            .addProcessor("fold", Fold::new, "in")
            .addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), state)
                .withLoggingEnabled(Map.of())
                .withCachingDisabled(), "fold")
            .addSink("out", totals, Serdes.String().serializer(), total, "fold");
    }

    private static Properties settings(String[] args) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args.length > 5 ? args[5] : "1");
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args.length > 6 ? args[6] : "100");
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        // Without it a process that was killed is missed for the 45 s of its session.
        settings.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "0");
        for (int i = 7; i < args.length; i++) {
            int equals = args[i].indexOf('=');
            settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
        }
        return settings;
    }

    private static long committed(KafkaStreams streams) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (ThreadMetadata thread : streams.metadataForLocalThreads()) {
            for (TaskMetadata task : thread.activeTasks()) {
                offsets.putAll(task.committedOffsets());
            }
        }
        return offsets.values().stream().mapToLong(offset -> Math.max(0, offset)).sum();
    }

    private static final class Restored implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) {
            say("EV", "restoring");
        }

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long count) {
        }

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long count) {
            say("EV", "restored " + count);
        }
    }

    public static void main(String[] args) throws InterruptedException {
        KafkaStreams streams = new KafkaStreams(topology(args[3], args[4]), settings(args));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setGlobalStateRestoreListener(new Restored());
        streams.setStateListener((now, before) -> say("EV", now.name().toLowerCase(java.util.Locale.ROOT)));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(CloseOptions.timeout(Duration.ofSeconds(30))
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            say("EV", "closed");
            ended.countDown();
        }));
        streams.start();
        long before = 0;
        while (!ended.await(TICK_MS, TimeUnit.MILLISECONDS)) {
            long now = committed(streams);
            if (now != before) {
                say("S", before = now);
            }
        }
    }
}
