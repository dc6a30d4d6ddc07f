package millrace.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/**
 * A frame of 5 bytes (0x00, the schema's id) and Avro. Generated coders, encoders and decoders used again: the fastest
 * of Avro's own ways.
 */
final class FramedAvro<T extends SpecificRecordBase> implements Serde<T>, Serializer<T>, Deserializer<T> {
    private static final int FRAME = 5;

    private static final class Tools {
        final ByteArrayOutputStream out = new ByteArrayOutputStream(1024);
        BinaryEncoder encoder;
        BinaryDecoder decoder;
    }

    private final ThreadLocal<Tools> tools = ThreadLocal.withInitial(Tools::new);
    private final int id;
    private final SpecificDatumReader<T> reader;
    private final SpecificDatumWriter<T> writer;

    FramedAvro(int id, Schema schema) {
        SpecificData model = new SpecificData(FramedAvro.class.getClassLoader());
        model.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
        model.setCustomCoders(true);
        model.setFastReaderEnabled(true);
        this.id = id;
        this.reader = new SpecificDatumReader<>(schema, schema, model);
        this.writer = new SpecificDatumWriter<>(schema, model);
    }

    @Override
    public byte[] serialize(String topic, T value) {
        if (value == null) {
            return null;
        }
        Tools mine = tools.get();
        mine.out.reset();
        for (int shift = 32; shift >= 0; shift -= 8) {
            mine.out.write(shift == 32 ? 0 : id >>> shift);
        }
        try {
            mine.encoder = EncoderFactory.get().directBinaryEncoder(mine.out, mine.encoder);
            writer.write(value, mine.encoder);
            mine.encoder.flush();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return mine.out.toByteArray();
    }

    @Override
    public T deserialize(String topic, byte[] framed) {
        if (framed == null) {
            return null;
        }
        if (framed.length < FRAME || framed[0] != 0 || framed[FRAME - 1] != id) {
            throw new IllegalArgumentException("another schema than " + id);
        }
        Tools mine = tools.get();
        try {
            mine.decoder = DecoderFactory.get().binaryDecoder(framed, FRAME, framed.length - FRAME, mine.decoder);
            return reader.read(null, mine.decoder);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public Serializer<T> serializer() {
        return this;
    }

    @Override
    public Deserializer<T> deserializer() {
        return this;
    }

    @Override
    public void configure(java.util.Map<String, ?> settings, boolean isKey) {
    }

    @Override
    public void close() {
    }
}
