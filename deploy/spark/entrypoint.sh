#!/bin/sh
# What Spark on Kubernetes asks of an image: "executor" starts one, "driver" runs an application in cluster mode, and
# anything else is a command.
set -eu
case "${1:-}" in
    executor)
        # the operating system's limits are the container's: the JVM is told by Spark through its options
        exec java ${SPARK_JAVA_OPT_0:-} ${SPARK_JAVA_OPT_1:-} ${SPARK_JAVA_OPT_2:-} ${SPARK_JAVA_OPT_3:-} \
            ${SPARK_JAVA_OPT_4:-} ${SPARK_JAVA_OPT_5:-} ${SPARK_JAVA_OPT_6:-} ${SPARK_JAVA_OPT_7:-} \
            -Xms"$SPARK_EXECUTOR_MEMORY" -Xmx"$SPARK_EXECUTOR_MEMORY" \
            -cp "${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*:/opt/spark/conf" \
            org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
            --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
            --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
            --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
        ;;
    driver)
        shift
        exec "$SPARK_HOME/bin/spark-submit" --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
            --deploy-mode client "$@"
        ;;
    *)
        exec "$@"
        ;;
esac
