// What Java programs do with memory outside the collected heap; every line printed depends on the data alone.
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

public class Workload {
    static String digest(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)).substring(0, 16);
    }

    static String directBuffers(int seed) throws Exception {
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        List<ByteBuffer> kept = new ArrayList<>();
        for (int n = 0; n < 1200; n++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(100 + (n * 7919 + seed) % 50000);
            while (buffer.hasRemaining()) buffer.put((byte) (n + seed));
            hash.update(buffer.flip());
            if (n % 20 == 0) kept.add(buffer);
        }
        return kept.size() + " " + HexFormat.of().formatHex(hash.digest()).substring(0, 16);
    }

    static String compression(int seed) throws Exception {
        byte[] data = new byte[300_000];
        for (int n = 0; n < data.length; n++) data[n] = (byte) (n * seed >> 7);
        int good = 0;
        for (int level = 1; level <= 9; level++) {
            Deflater deflater = new Deflater(level);
            deflater.setInput(data);
            deflater.finish();
            byte[] small = new byte[data.length + 1000];
            int size = deflater.deflate(small);
            deflater.end();
            Inflater inflater = new Inflater();
            inflater.setInput(small, 0, size);
            byte[] back = new byte[data.length];
            inflater.inflate(back);
            inflater.end();
            if (java.util.Arrays.equals(data, back)) good++;
        }
        return good + " of 9 " + digest(data);
    }

    static String objects(int seed) throws Exception {
        TreeMap<String, String> map = new TreeMap<>();
        for (int n = 0; n < 40_000; n++) map.put("key" + (n * 7919L + seed) % 100_003, "value" + n);
        return digest(map.toString().getBytes());
    }

    static String all(int seed) throws Exception {
        return objects(seed) + " / " + directBuffers(seed) + " / " + compression(seed);
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("main: " + all(1));
        var pool = Executors.newFixedThreadPool(4);
        List<Callable<String>> tasks = new ArrayList<>();
        for (int n = 2; n < 7; n++) {
            final int seed = n;
            tasks.add(() -> all(seed));
        }
        for (var result : pool.invokeAll(tasks)) System.out.println("task: " + result.get());
        pool.shutdown();
        int[] ended = new int[1];
        for (int round = 0; round < 300; round++) {
            Thread thread = new Thread(() -> ended[0] += new byte[10_000].length);
            thread.start();
            thread.join();
        }
        System.out.println("threads: " + ended[0]);
        System.out.println("parallel: " + IntStream.range(0, 200_000).parallel().mapToObj(Integer::toString).mapToInt(String::length).sum());
        Process child = new ProcessBuilder("/bin/echo", "a child process").redirectErrorStream(true).start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        System.out.println("exit " + child.waitFor());
    }
}
